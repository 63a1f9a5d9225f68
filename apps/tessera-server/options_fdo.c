/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of the FIDO Device Onboard services. */
#include "apps/tessera-server/options.h"

const char options_fdo_help[] =
    "tessera-server: FIDO Device Onboard 1.1, over HTTP\n"
    "\n"
    "  --fdo ADDRESS:PORT         where devices and owners come to (off)\n"
    "  --fdo-roles LIST           of manufacturer, rendezvous, owner, with commas (all three)\n"
    "manufacturer:\n"
    "  --fdo-manufacturer-key FILE  signs vouchers: P-256, P-384, RSA 2048 or 3072; one of a type\n"
    "  --fdo-device-ca FILE, --fdo-device-ca-key FILE\n"
    "                             authority for the certificates of devices\n"
    "  --fdo-rendezvous URL       http://host:port or https, told to devices; may be given 4 times\n"
    "  --fdo-rendezvous-ca FILE   CA certificate of those with https, whose hash devices are told\n"
    "  --fdo-delay SECONDS        told to devices: how long to wait between tries there (120)\n"
    "  --fdo-next-owner FILE      public key that new vouchers are extended to, or: own\n"
    "rendezvous:\n"
    "  --fdo-owner-trust FILE     public key of a maker or owner whose vouchers are taken; 16 times\n"
    "  --fdo-any-owner            take every voucher that is well made\n"
    "  --fdo-wait SECONDS         how long a registration holds at most (604800)\n"
    "owner:\n"
    "  --fdo-owner-key FILE       that vouchers end with; one of a type\n"
    "  --fdo-owner-place URL      where devices find this owner; may be given 4 times\n"
    "  --fdo-reuse                leave devices the credential that they have\n"
    "  --enrol-certificate, --enrol-key  of the authority that answers fdo.csr in plans\n"
    "  --fdo-short-mac-keys       CBC and CTR suites as go-fdo has them, not as the specification\n"
    "rendezvous and owner:\n"
    "  --fdo-device-trust FILE    anchors (PEM) for certificates of devices (any)\n"
    "all:\n"
    "  --fdo-rate N               protocols that begin a second (200)\n"
    "  --fdo-peer-rate N          and of one address, of a /64 with IPv6 (half of it)\n"
    "  --fdo-sessions N           protocols at a time (4096)\n"
    "  --fdo-run-time SECONDS     a protocol takes at most (600)\n"
    "\n"
    "Keys and certificates are PEM or DER files; keys are not encrypted.\n";

/* Values outlive the line that they were read from. */
static const char *keep(options *o, const char *value)
{
    size_t n = strlen(value) + 1;
    char *at = o->words + o->words_len;

    if (n > sizeof o->words - o->words_len)
        return NULL;
    memcpy(at, value, n);
    o->words_len += n;
    return at;
}

static tsr_err more(options *o, const char *value, const char **list, unsigned most,
                    unsigned *count, const char **cause)
{
    const char *kept;

    if (*count == most) {
        *cause = "it was given too often; see --help-fdo";
        return TSR_E_ARGUMENT;
    }
    *cause = "it must not be empty, and all of the lists together have at most 8000 bytes";
    kept = value[0] != 0 ? keep(o, value) : NULL;
    if (kept == NULL)
        return TSR_E_ARGUMENT;
    list[(*count)++] = kept;
    return TSR_OK;
}

tsr_err options_set_fdo(options *o, const char *v, const char **cause)
{
    *cause = "it must be ADDRESS:PORT with a numeric address, as 127.0.0.1:8040";
    if (tsr_address_parse(v, &o->fdo_address) != TSR_OK)
        return TSR_E_ARGUMENT;
    o->with_fdo = true;
    return TSR_OK;
}

tsr_err options_set_fdo_roles(options *o, const char *v, const char **cause)
{
    static const char *const names[] = { "manufacturer", "rendezvous", "owner" };
    unsigned roles = 0;

    *cause = "it must be of manufacturer, rendezvous and owner, with commas between them";
    while (*v != 0) {
        tsr_bytes name = tsr_view(v, strcspn(v, ","));
        unsigned known = 0;

        for (unsigned i = 0; i < 3; i++)
            if (tsr_same(name, tsr_text(names[i])))
                known = 1u << i;
        if (known == 0)
            return TSR_E_ARGUMENT;
        roles |= known;
        v += name.len + (v[name.len] == ',');
    }
    o->fdo.roles = roles;
    return roles != 0 ? TSR_OK : TSR_E_ARGUMENT;
}

tsr_err options_add_fdo_manufacturer_key(options *o, const char *v, const char **cause)
{
    return more(o, v, o->fdo.manufacturer_keys, TSR_FDO_KEYS_MAX, &o->fdo.manufacturer_key_count,
                cause);
}

tsr_err options_add_fdo_owner_key(options *o, const char *v, const char **cause)
{
    return more(o, v, o->fdo.owner_keys, TSR_FDO_KEYS_MAX, &o->fdo.owner_key_count, cause);
}

tsr_err options_add_fdo_rendezvous(options *o, const char *v, const char **cause)
{
    return more(o, v, o->fdo.rendezvous, TSR_FDO_PLACES_MAX, &o->fdo.rendezvous_count, cause);
}

tsr_err options_add_fdo_owner_place(options *o, const char *v, const char **cause)
{
    return more(o, v, o->fdo.owner_places, TSR_FDO_PLACES_MAX, &o->fdo.owner_place_count, cause);
}

tsr_err options_add_fdo_owner_trust(options *o, const char *v, const char **cause)
{
    return more(o, v, o->fdo.owner_trust, TSR_FDO_TRUST_MAX, &o->fdo.owner_trust_count, cause);
}
