/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-factory/options.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "tessera-factory: provisions a device's secure world before it goes into the field\n"
    "\n"
    "  --store DIR            the device's store (default /var/lib/tessera/secured)\n"
    "  --user NAME            become this user first, the one that tessera-secured runs as\n"
    "  --root-key FILE        where the root key goes (default DIR/root.key)\n"
    "  --root-secret FILE     use these 32 bytes (64 hex digits) instead of making them here\n"
    "  --tpm TCTI             seal the root key to a TPM 2.0, such as device:/dev/tpmrm0; then\n"
    "                         tessera-secured starts with the same --tpm only\n"
    "  --attest-key FILE      import this P-256 private key (64 hex digits) for attestation;\n"
    "                         otherwise the device makes one inside and it never leaves\n"
    "  --implementation HEX   implementation id, 64 hex digits\n"
    "  --certification REF    certification reference: EAN-13, a hyphen, 5 digits\n"
    "  --verification URL     verification service\n"
    "  --psk UID:ID=FILE      pre-shared key (hex digits) of user UID, under key id ID\n"
    "  --secret UID:ID=FILE   asset of user UID in Internal Trusted Storage, written once\n"
    "  --client UID=N         user UID is client N (as given to tessera-secured)\n"
    "  --update CONF          configuration of firmware update, with the trust anchors it names,\n"
    "  --slots DIR            and where tessera-secured looks for it\n"
    "  --update-key FILE      key that images for this device are encrypted to (32 hex digits);\n"
    "                         without it encrypted images are refused\n"
    "  --state NAME           state afterwards: secured (default), keep, or a later one\n"
    "  --record FILE          where the record for the manufacturer goes (default: standard "
    "output)\n"
    "  --show                 change nothing, print the record\n"
    "  --help, --version\n"
    "\n"
    "FILE may be - for standard input. Run it while tessera-secured is stopped. What was done by "
    "an\n"
    "earlier run is kept, until the device is secured. The record holds no secret.\n";

enum {
    STORE = 256,
    USER,
    ROOT_KEY,
    ROOT_SECRET,
    TPM,
    ATTEST_KEY,
    IMPLEMENTATION,
    CERTIFICATION,
    VERIFICATION,
    PSK,
    SECRET,
    CLIENT,
    UPDATE,
    SLOTS,
    UPDATE_KEY,
    STATE,
    RECORD,
    SHOW,
    HELP,
    VERSION,
};

static const struct option words[] = {
    { "store", required_argument, NULL, STORE },
    { "user", required_argument, NULL, USER },
    { "root-key", required_argument, NULL, ROOT_KEY },
    { "root-secret", required_argument, NULL, ROOT_SECRET },
    { "tpm", required_argument, NULL, TPM },
    { "attest-key", required_argument, NULL, ATTEST_KEY },
    { "implementation", required_argument, NULL, IMPLEMENTATION },
    { "certification", required_argument, NULL, CERTIFICATION },
    { "verification", required_argument, NULL, VERIFICATION },
    { "psk", required_argument, NULL, PSK },
    { "secret", required_argument, NULL, SECRET },
    { "client", required_argument, NULL, CLIENT },
    { "update", required_argument, NULL, UPDATE },
    { "slots", required_argument, NULL, SLOTS },
    { "update-key", required_argument, NULL, UPDATE_KEY },
    { "state", required_argument, NULL, STATE },
    { "record", required_argument, NULL, RECORD },
    { "show", no_argument, NULL, SHOW },
    { "help", no_argument, NULL, HELP },
    { "version", no_argument, NULL, VERSION },
    { NULL, 0, NULL, 0 },
};

static tsr_err complain(const char *word, const char *value, const char *why)
{
    (void)fprintf(stderr, "tessera-factory: --%s %s: %s (see --help)\n", word, value, why);
    return TSR_E_ARGUMENT;
}

static size_t find(tsr_bytes text, char mark)
{
    size_t at = 0;

    while (at < text.len && text.ptr[at] != (uint8_t)mark)
        at++;
    return at;
}

static tsr_err secret(factory_options *o, const char *word, const char *text, bool asset)
{
    size_t colon = find(tsr_text(text), ':');
    tsr_bytes rest = tsr_skip(tsr_text(text), colon + 1);
    size_t equals = find(rest, '=');
    uint64_t uid, id;

    if (tsr_dec(tsr_first(tsr_text(text), colon), &uid) != TSR_OK || uid > UINT32_MAX ||
        tsr_dec(tsr_first(rest, equals), &id) != TSR_OK || id == 0 || id > 0x3fffffff ||
        equals + 1 >= rest.len)
        return complain(word, text, "write UID:ID=FILE, such as 1001:5=psk.hex");
    if (o->secret_count == FACTORY_SECRETS)
        return complain(word, text, "too many secrets in one run");
    o->secrets[o->secret_count++] =
        (factory_secret){ (uint32_t)uid, (uint32_t)id, asset, text + colon + 1 + equals + 1 };
    return TSR_OK;
}

static tsr_err state(factory_options *o, const char *name)
{
    if (strcmp(name, "keep") == 0)
        o->state = TSR_LIFECYCLE_UNKNOWN;
    else if (tsr_lifecycle_of_name(tsr_text(name), &o->state) != TSR_OK)
        return complain("state", name,
                        "write keep, psa-rot-provisioning, secured, non-psa-rot-debug, "
                        "recoverable-psa-rot-debug or decommissioned");
    return TSR_OK;
}

static tsr_err take(factory_options *o, int word, const char *value)
{
    switch (word) {
    case STORE: o->store = value; return TSR_OK;
    case USER: o->user = value; return TSR_OK;
    case ROOT_KEY: o->root_key = value; return TSR_OK;
    case ROOT_SECRET: o->root_secret = value; return TSR_OK;
    case TPM: o->tpm = value; return TSR_OK;
    case ATTEST_KEY: o->attest_key = value; return TSR_OK;
    case IMPLEMENTATION: o->implementation = value; return TSR_OK;
    case CERTIFICATION: o->certification = value; return TSR_OK;
    case VERIFICATION: o->verification = value; return TSR_OK;
    case PSK: return secret(o, "psk", value, false);
    case SECRET: return secret(o, "secret", value, true);
    case CLIENT:
        return tsr_spm_name_text(&o->clients, tsr_text(value)) == TSR_OK
                   ? TSR_OK
                   : complain("client", value, "write UID=NUMBER, such as 1001=-7");
    case UPDATE: o->update = value; return TSR_OK;
    case SLOTS: o->slots = value; return TSR_OK;
    case UPDATE_KEY: o->update_key = value; return TSR_OK;
    case STATE: return state(o, value);
    case RECORD: o->record = value; return TSR_OK;
    case SHOW: o->show = true; return TSR_OK;
    case HELP: (void)fputs(help, stdout); return TSR_END;
    case VERSION: (void)puts("tessera-factory 0.1.0"); return TSR_END;
    default: (void)fputs("tessera-factory: see --help\n", stderr); return TSR_E_ARGUMENT;
    }
}

tsr_err factory_options_read(factory_options *o, int argc, char **argv)
{
    int word;

    *o = (factory_options){ .store = "/var/lib/tessera/secured", .state = TSR_LIFECYCLE_SECURED };
    while ((word = getopt_long(argc, argv, "", words, NULL)) != -1) {
        tsr_err err = take(o, word, optarg);

        if (err != TSR_OK)
            return err;
    }
    if (optind < argc)
        return complain("", argv[optind], "options begin with --");
    if ((o->update != NULL) != (o->slots != NULL))
        return complain(o->update != NULL ? "update" : "slots", "",
                        "--update and --slots go together");
    return TSR_OK;
}
