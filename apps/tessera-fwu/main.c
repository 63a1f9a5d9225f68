/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera-fwu: firmware update on the device itself, by PSA Firmware Update: a package from a file,
 * and every call of the API by its name. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"
#include "psa/update.h"
#include "tessera/base/bytes.h"

static const char help[] =
    "usage: tessera-fwu [OPTIONS] COMMAND\n"
    "\n"
    "  query                          how the component stands\n"
    "  install FILE [--manifest M]    writes a package, has it checked, and stages it; M: its envelope,\n"
    "                                 when that is apart. What failed before is cleaned away first\n"
    "  reboot                         starts what is staged\n"
    "  accept                         keeps the version that is on trial\n"
    "  reject [-- STATUS]             gives up what is staged or on trial\n"
    "  cancel                         gives up what is being written, or was written\n"
    "  clean                          erases the image that does not run\n"
    "\n"
    "  --component N    default 0\n"
    "  --reboot         install: and then reboot\n"
    "  --json           query: print JSON\n"
    "  --socket PATH    of tessera-secured; default $TESSERA_SECURED_SOCKET, else "
    TSR_GATE_SOCKET_DEFAULT "\n"
    "  --help, --version\n"
    "\n"
    "exit codes: 0 done, 1 wrong command line, 2 the file cannot be read, 3 refused,\n"
    "            4 tessera-secured cannot be reached\n";

enum { DONE, USAGE, NO_FILE, REFUSED, UNREACHABLE, MANIFEST_MAX = 4096 };

typedef struct {
    psa_fwu_component_t component;
    bool json, reboot;
    const char *manifest;
    const char *words[2];
    int word_count;
} options;

static int complain(int code, const char *text, const char *more)
{
    (void)fprintf(stderr, "tessera-fwu: %s%s%s\n", text, more[0] != '\0' ? ": " : "", more);
    return code;
}

/* --- words for numbers --------------------------------------------------------------------- */

static const char *state_name(uint8_t state)
{
    static const char *const names[] = { "ready", "writing", "candidate", "staged",
                                         "failed", "trial", "rejected", "updated" };

    return state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

static const char *why_text(uint8_t why)
{
    static const char *const texts[] = {
        "", "cancelled", "rejected by the application", "neither an envelope nor an image",
        "not signed by a key that may sign this component", "for another vendor's device",
        "for another class of devices", "for another component",
        "older than the anti-rollback counter allows", "shorter or longer than its manifest says",
        "other bytes than its manifest says", "another component is too old",
        "restarted before it was accepted", "the medium failed",
        "the active image was damaged; the other one runs now",
        "encrypted, and not for a key of this device",
        "more than 8 signatures; sign it with fewer",
    };

    return why < sizeof texts / sizeof texts[0] ? texts[why] : "unknown";
}

static const char *status_text(psa_status_t status)
{
    switch (status) {
    case PSA_SUCCESS: return "done";
    case PSA_SUCCESS_REBOOT: return "done; a reboot is needed";
    case PSA_SUCCESS_RESTART: return "done; the component has to be restarted";
    case PSA_ERROR_BAD_STATE: return "the component's state does not allow this; see query";
    case PSA_ERROR_DOES_NOT_EXIST: return "there is no such component";
    case PSA_ERROR_NOT_PERMITTED:
        return "not permitted: an older version, or a user that may not update";
    case PSA_ERROR_INVALID_ARGUMENT: return "no package that this component takes";
    case PSA_ERROR_INVALID_SIGNATURE: return "signer, digest or length is wrong";
    case PSA_ERROR_DEPENDENCY_NEEDED: return "another component is too old";
    case PSA_ERROR_NOT_SUPPORTED: return "tessera-secured was not started by tessera-boot";
    case PSA_ERROR_INSUFFICIENT_STORAGE: return "larger than the slot";
    case PSA_ERROR_STORAGE_FAILURE: return "the medium failed";
    case PSA_ERROR_COMMUNICATION_FAILURE: return "tessera-secured does not answer";
    case PSA_ERROR_CONNECTION_REFUSED: return "tessera-secured refused the connection";
    default: return "failed";
    }
}

static int result_of(psa_status_t status)
{
    if (status >= 0)
        return DONE;
    return status == PSA_ERROR_COMMUNICATION_FAILURE || status == PSA_ERROR_CONNECTION_REFUSED
               ? UNREACHABLE
               : REFUSED;
}

/* What the call said; a refused image has its reason in query(). */
static int report(const options *o, const char *what, psa_status_t status)
{
    psa_fwu_component_info_t info;
    int code = result_of(status);

    if (code == DONE) {
        (void)printf("%s: %s\n", what, status_text(status));
        return DONE;
    }
    (void)fprintf(stderr, "tessera-fwu: %s: %s (status %d)\n", what, status_text(status),
                  (int)status);
    if (code == REFUSED && psa_fwu_query(o->component, &info) == PSA_SUCCESS &&
        info.state == PSA_FWU_FAILED && info.impl.why != TSR_FWU_WHY_NONE)
        (void)fprintf(stderr, "tessera-fwu: the reason: %s\n", why_text(info.impl.why));
    return code;
}

/* --- commands ------------------------------------------------------------------------------ */

static int run_query(const options *o)
{
    psa_fwu_component_info_t i;
    psa_status_t status = psa_fwu_query(o->component, &i);
    char version[32];

    if (status != PSA_SUCCESS)
        return report(o, "query", status);
    (void)snprintf(version, sizeof version, "%u.%u.%u+%lu", i.version.major, i.version.minor,
                   i.version.patch, (unsigned long)i.version.build);
    if (o->json) {
        (void)printf("{\"component\":%u,\"state\":\"%s\",\"error\":%d,\"why\":%u,\"version\":\"%s\","
                     "\"max_size\":%lu,\"flags\":%lu,\"slot\":\"%c\",\"written\":%lu,"
                     "\"sequence\":%llu}\n",
                     o->component, state_name(i.state), (int)i.error, i.impl.why, version,
                     (unsigned long)i.max_size, (unsigned long)i.flags, 'a' + (i.impl.slot & 1),
                     (unsigned long)i.impl.written, (unsigned long long)i.impl.sequence);
        return DONE;
    }
    (void)printf("component    %u\nstate        %s\nversion      %s\nslot         %c\n"
                 "max_size     %lu\nwritten      %lu\nsequence     %llu\nerror        %d\n",
                 o->component, state_name(i.state), version, 'a' + (i.impl.slot & 1),
                 (unsigned long)i.max_size, (unsigned long)i.impl.written,
                 (unsigned long long)i.impl.sequence, (int)i.error);
    if (i.impl.why != TSR_FWU_WHY_NONE)
        (void)printf("why          %s\n", why_text(i.impl.why));
    return DONE;
}

/* READY again, whatever the last update left; not while one is staged or on trial. */
static psa_status_t make_ready(const options *o)
{
    psa_fwu_component_info_t info;
    psa_status_t status = psa_fwu_query(o->component, &info);

    if (status == PSA_SUCCESS && (info.state == PSA_FWU_WRITING || info.state == PSA_FWU_CANDIDATE)) {
        status = psa_fwu_cancel(o->component);
        info.state = PSA_FWU_FAILED;
    }
    if (status == PSA_SUCCESS && (info.state == PSA_FWU_FAILED || info.state == PSA_FWU_UPDATED))
        status = psa_fwu_clean(o->component);
    return status;
}

static psa_status_t start(const options *o, int *code)
{
    static uint8_t manifest[MANIFEST_MAX + 1];
    size_t len = 0;

    if (o->manifest != NULL) {
        FILE *f = fopen(o->manifest, "re");

        if (f != NULL) {
            len = fread(manifest, 1, sizeof manifest, f);
            (void)fclose(f);
        }
        if (len == 0 || len > MANIFEST_MAX) {
            *code = complain(NO_FILE, o->manifest, f == NULL ? strerror(errno)
                                                             : "empty, or longer than 4,096 bytes");
            return PSA_ERROR_INVALID_ARGUMENT;
        }
    }
    psa_status_t status = psa_fwu_start(o->component, len > 0 ? manifest : NULL, len);

    if (status != PSA_SUCCESS)
        *code = report(o, "start", status);
    return status;
}

static int write_all(const options *o, FILE *f)
{
    static uint8_t block[PSA_FWU_MAX_WRITE_SIZE];
    size_t at = 0, len;

    while ((len = fread(block, 1, sizeof block, f)) > 0) {
        psa_status_t status = psa_fwu_write(o->component, at, block, len);

        if (status != PSA_SUCCESS)
            return report(o, "write", status);
        at += len;
    }
    if (ferror(f))
        return complain(NO_FILE, "reading the file failed", strerror(errno));
    (void)printf("write: %zu bytes\n", at);
    return DONE;
}

static int install(const options *o, FILE *f)
{
    int code = DONE;
    psa_status_t status = make_ready(o);

    if (status != PSA_SUCCESS)
        return report(o, "begin", status);
    if (start(o, &code) != PSA_SUCCESS || (code = write_all(o, f)) != DONE)
        return code;
    status = psa_fwu_finish(o->component);
    if (status < 0 || report(o, "check", status) != DONE)
        return report(o, "check", status);
    status = psa_fwu_install();
    code = report(o, "install", status);
    if (code == DONE && o->reboot)
        code = report(o, "reboot", psa_fwu_request_reboot());
    return code;
}

static int run_install(const options *o)
{
    FILE *f = fopen(o->words[1], "re");
    int code;

    if (f == NULL)
        return complain(NO_FILE, o->words[1], strerror(errno));
    code = install(o, f);
    (void)fclose(f);
    return code;
}

static int run_reboot(const options *o) { return report(o, "reboot", psa_fwu_request_reboot()); }
static int run_accept(const options *o) { return report(o, "accept", psa_fwu_accept()); }
static int run_cancel(const options *o) { return report(o, "cancel", psa_fwu_cancel(o->component)); }
static int run_clean(const options *o) { return report(o, "clean", psa_fwu_clean(o->component)); }

static int run_reject(const options *o)
{
    int64_t status = PSA_ERROR_GENERIC_ERROR;

    if (o->word_count == 2 && (tsr_sdec(tsr_text(o->words[1]), &status) != TSR_OK || status > 0 ||
                               status < INT32_MIN))
        return complain(USAGE, "reject takes a PSA status, such as -132", "");
    return report(o, "reject", psa_fwu_reject((psa_status_t)status));
}

static int run(const options *o)
{
    static const struct {
        const char *name;
        int min, max;
        int (*run)(const options *o);
    } commands[] = { { "query", 1, 1, run_query },   { "install", 2, 2, run_install },
                     { "reboot", 1, 1, run_reboot }, { "accept", 1, 1, run_accept },
                     { "reject", 1, 2, run_reject }, { "cancel", 1, 1, run_cancel },
                     { "clean", 1, 1, run_clean } };

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, o->words[0]) != 0)
            continue;
        if (o->word_count < commands[i].min || o->word_count > commands[i].max)
            return complain(USAGE, "too few or too many words; see --help", o->words[0]);
        return commands[i].run(o);
    }
    return complain(USAGE, "there is no such command; see --help", o->words[0]);
}

static int take(options *o, int ch)
{
    uint64_t n;

    switch (ch) {
    case 'c':
        if (tsr_dec(tsr_text(optarg), &n) != TSR_OK || n > UINT8_MAX)
            return complain(USAGE, "--component is a number from 0 to 255", optarg);
        o->component = (psa_fwu_component_t)n;
        return DONE;
    case 'm': o->manifest = optarg; return DONE;
    case 'j': o->json = true; return DONE;
    case 'r': o->reboot = true; return DONE;
    case 's':
        if (tsr_gate_socket(optarg) == PSA_SUCCESS)
            return DONE;
        return complain(USAGE, "the path is too long for a socket", optarg);
    default: (void)fputs("See tessera-fwu --help.\n", stderr); return USAGE;
    }
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        { "component", required_argument, NULL, 'c' }, { "manifest", required_argument, NULL, 'm' },
        { "socket", required_argument, NULL, 's' },    { "json", no_argument, NULL, 'j' },
        { "reboot", no_argument, NULL, 'r' },          { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'v' },         { NULL, 0, NULL, 0 },
    };
    options o = { 0 };
    int ch;

    /* "-": words and options come in any order */
    while ((ch = getopt_long(argc, argv, "-", longs, NULL)) != -1) {
        if (ch == 'h' || ch == 'v') {
            (void)fputs(ch == 'h' ? help : "tessera-fwu " TSR_VERSION "\n", stdout);
            return DONE;
        }
        if (ch == 1 && o.word_count < 2)
            o.words[o.word_count++] = optarg;
        else if (ch == 1)
            return complain(USAGE, "too many words; see --help", optarg);
        else if (take(&o, ch) != DONE)
            return USAGE;
    }
    for (; optind < argc && o.word_count < 2; optind++)
        o.words[o.word_count++] = argv[optind];
    if (o.word_count == 0) {
        (void)fputs(help, stderr);
        return USAGE;
    }
    tsr_gate_timeout_ms(60000);
    ch = run(&o);
    return fflush(stdout) == 0 || ch != DONE ? ch : REFUSED;
}
