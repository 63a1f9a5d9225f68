/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera: what an operator does with devices, from a shell or a script. Speaks the REST
 * interface of docs/openapi.yaml. */
#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera/tessera.h"

static const struct {
    const char *name;
    command_fn *run;
    int min, max; /* arguments */
    const char *usage, *help;
} commands[] = {
    { "devices", cmd_devices, 0, 0, "[--query TEXT] [--online] [--limit N]", "list the devices" },
    { "show", cmd_show, 1, 1, "EP", "one device and its objects" },
    { "read", cmd_read, 2, 2, "EP PATH", "read an object, instance or resource" },
    { "write", cmd_write, 2, 64, "EP PATH VALUE | EP PATH --file F | EP PATH=VALUE ...",
      "write one resource, or several of an instance" },
    { "exec", cmd_exec, 2, 3, "EP PATH [ARGUMENTS]", "execute a resource" },
    { "create", cmd_create, 2, 64, "EP /OBJECT[/INSTANCE] [RESOURCE=VALUE ...]",
      "create an instance" },
    { "delete", cmd_delete, 2, 2, "EP PATH", "delete an instance" },
    { "discover", cmd_discover, 2, 2, "EP PATH", "list resources and their attributes" },
    { "attributes", cmd_attributes, 3, 16, "EP PATH NAME=NUMBER ... | NAME= ...",
      "set or clear pmin, pmax, gt, lt, st, ..." },
    { "observe", cmd_observe, 2, 2, "EP PATH [--count N] [--keep]",
      "follow a value; ends what it began" },
    { "cancel", cmd_cancel, 2, 2, "EP PATH", "end an observation" },
    { "read-composite", cmd_read_composite, 2, 257, "EP PATH ...", "read many paths at once" },
    { "write-composite", cmd_write_composite, 2, 257, "EP PATH=VALUE ... [PATH ...]",
      "write all or nothing; a PATH alone deletes a resource instance" },
    { "observe-composite", cmd_observe_composite, 2, 257, "EP PATH ...",
      "observe paths together until they are cancelled; see events" },
    { "cancel-composite", cmd_cancel_composite, 2, 257, "EP PATH ...",
      "end the observation of just these paths" },
    { "observations", cmd_observations, 1, 1, "EP", "what is observed" },
    { "values", cmd_values, 1, 2, "EP [PATH]", "the last known values, without asking the device" },
    { "history", cmd_history, 2, 2, "EP PATH [--limit N]", "the kept history of a resource" },
    { "events", cmd_events, 0, 0, "[--endpoint EP] [--after ID] [--count N]",
      "follow what happens" },
    { "requests", cmd_requests, 0, 1, "[EP] [--waiting] [--limit N]",
      "requests that wait on the server, and what came of them" },
    { "request", cmd_request, 1, 2, "ID [--wait] | cancel ID", "one of them; take it back" },
    { "credentials", cmd_credentials, 1, 2,
      "list | get EP | set EP [--identity ID | --device-id HEX --server-id HEX] --key-file F|- [--oscore-key-file F] | delete EP   [--bootstrap]",
      "keys of devices; they go in and never come out" },
    { "bootstrap", cmd_bootstrap, 1, 2,
      "list | show NAME | set NAME --file F|- | remove NAME | state [EP]",
      "profiles by endpoint or pattern (*), and how bootstraps went" },
    { "plans", cmd_plans, 1, 2, "list | show NAME | set NAME --file F|- | check NAME --file F|- | remove NAME",
      "what is done with devices that are onboarded: by GUID, group, DeviceInfo, or default" },
    { "groups", cmd_groups, 1, 65, "list | show NAME | add NAME GUID ... | remove GUID ... | delete NAME",
      "which plan devices get: a group has the plan of its name" },
    { "onboarding", cmd_onboarding, 1, 2, "list | show GUID | results [GUID] | result GUID/NAME | redirects",
      "how far devices of FIDO Device Onboard are, and what they brought" },
    { "certificates", cmd_certificates, 1, 2, "list | show SERIAL | revoke SERIAL",
      "certificates that devices enrolled for" },
    { "drop", cmd_drop, 1, 1, "EP", "end a registration on the server" },
    { "models", cmd_models, 0, 1, "[OBJECT]", "objects and resources that have names" },
    { "health", cmd_health, 0, 0, "", "whether the server works" },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* Commands on files, which need no server; each reads its own options. */
static const struct {
    const char *name;
    tool_fn *run; /* argv[0] is the name; returns the exit code */
    const char *usage, *help;
} tools[] = {
    { "package", tool_package, "make | sign | inspect | verify | keygen ...",
      "firmware packages; see tessera package --help" },
    { "attest", tool_attest, "verify | show | key ...",
      "attestation tokens; see tessera attest --help" },
    { "voucher", tool_voucher, "show | verify | extend | convert ...",
      "ownership vouchers of FIDO Device Onboard; see tessera voucher --help" },
    { "operators", tool_operators, "new NAME full|read --out FILE",
      "tokens for a server's token file; see tessera operators --help" },
};
enum { TOOLS = sizeof tools / sizeof tools[0] };

static void help(FILE *to)
{
    (void)fprintf(to, "tessera: devices on a Tessera server\n\n"
                      "usage: tessera [OPTIONS] COMMAND [ARGUMENTS]\n\ncommands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(to, "  %-13s %s\n  %-13s   %s\n", commands[i].name, commands[i].usage, "",
                      commands[i].help);
    (void)fprintf(to, "\ncommands on files, without a server:\n");
    for (size_t i = 0; i < TOOLS; i++)
        (void)fprintf(to, "  %-13s %s\n  %-13s   %s\n", tools[i].name, tools[i].usage, "",
                      tools[i].help);
    (void)fprintf(
        to, "\nEP is an endpoint name, PATH is /object/instance/resource like /3303/0/5700.\n"
            "Values are typed by the server's object models; times are like 2026-01-31T12:00:00Z,\n"
            "opaque values are Base64.\n"
            "\noptions:\n"
            "  --server URL         default: $TESSERA_SERVER, else http://127.0.0.1:8080\n"
            "  --token-file FILE    bearer token; default: $TESSERA_TOKEN_FILE\n"
            "  --json               print the server's JSON; streams: one event a line\n"
            "  --timeout SECONDS    how long to wait for the device (default 30, at most 600)\n"
            "  --queue              read, write, exec, create, delete, discover, attributes, ...-composite: leave\n"
            "                       the request on the server, which sends it when the device wakes,\n"
            "                       also after a restart; --timeout then is at most 2592000 (86400)\n"
            "  --wait               the same, and wait for what comes of it\n"
            "  --type TYPE          write: the type where no model knows it: string, integer,\n"
            "                       unsigned, float, boolean, opaque, time, objlnk, corelnk\n"
            "  --replace            write PATH=VALUE ...: remove resources that are not named\n"
            "  --file FILE          write: the value, bootstrap set: the profile, plans set, check: the plan, from\n"
            "                       a file, - for standard input\n"
            "  --identity ID        credentials set: PSK identity; default: the endpoint name\n"
            "  --device-id HEX      credentials set: OSCORE instead of DTLS; the device's Sender ID\n"
            "  --server-id HEX      the server's; --salt HEX and --id-context HEX if they are used\n"
            "  --key-file FILE      credentials set: the key (OSCORE: Master Secret), - for standard input\n"
            "  --oscore-key-file FILE  credentials set: OSCORE besides DTLS, with its Master Secret\n"
            "  --oscore-optional    with it: the device may come by DTLS alone\n"
            "  --bootstrap          credentials: those for the bootstrap server\n"
            "  --key-format FORMAT  hex (default), base64 or raw\n"
            "  --help, --version\n"
            "\nexit codes:\n"
            "  0  done\n"
            "  1  the command line is wrong\n"
            "  2  not found: device, object, instance, resource, model or credential\n"
            "  3  the device refused, or its answer was no good\n"
            "  4  the device did not answer in time\n"
            "  5  the server cannot be reached\n"
            "  6  the token is missing or wrong, or for reading alone\n"
            "  7  the server refused or failed\n"
            "\nSecrets are read from files or standard input, never from arguments.\n");
}

enum {
    OPT_SERVER = 256,
    OPT_TOKEN,
    OPT_JSON,
    OPT_TIMEOUT,
    OPT_TYPE,
    OPT_REPLACE,
    OPT_FILE,
    OPT_IDENTITY,
    OPT_DEVICE_ID,
    OPT_SERVER_ID,
    OPT_SALT,
    OPT_ID_CONTEXT,
    OPT_KEY_FILE,
    OPT_OSCORE_KEY_FILE,
    OPT_OSCORE_OPTIONAL,
    OPT_KEY_FORMAT,
    OPT_BOOTSTRAP,
    OPT_HELP,
    OPT_VERSION,
    OPT_QUERY,
    OPT_ONLINE,
    OPT_LIMIT,
    OPT_COUNT,
    OPT_KEEP,
    OPT_ENDPOINT,
    OPT_AFTER,
    OPT_QUEUE,
    OPT_WAIT,
    OPT_WAITING,
};

static const struct option longs[] = {
    { "server", required_argument, NULL, OPT_SERVER },
    { "token-file", required_argument, NULL, OPT_TOKEN },
    { "json", no_argument, NULL, OPT_JSON },
    { "timeout", required_argument, NULL, OPT_TIMEOUT },
    { "type", required_argument, NULL, OPT_TYPE },
    { "replace", no_argument, NULL, OPT_REPLACE },
    { "file", required_argument, NULL, OPT_FILE },
    { "identity", required_argument, NULL, OPT_IDENTITY },
    { "device-id", required_argument, NULL, OPT_DEVICE_ID },
    { "server-id", required_argument, NULL, OPT_SERVER_ID },
    { "salt", required_argument, NULL, OPT_SALT },
    { "id-context", required_argument, NULL, OPT_ID_CONTEXT },
    { "key-file", required_argument, NULL, OPT_KEY_FILE },
    { "oscore-key-file", required_argument, NULL, OPT_OSCORE_KEY_FILE },
    { "oscore-optional", no_argument, NULL, OPT_OSCORE_OPTIONAL },
    { "key-format", required_argument, NULL, OPT_KEY_FORMAT },
    { "bootstrap", no_argument, NULL, OPT_BOOTSTRAP },
    { "help", no_argument, NULL, OPT_HELP },
    { "version", no_argument, NULL, OPT_VERSION },
    { "query", required_argument, NULL, OPT_QUERY },
    { "online", no_argument, NULL, OPT_ONLINE },
    { "limit", required_argument, NULL, OPT_LIMIT },
    { "count", required_argument, NULL, OPT_COUNT },
    { "keep", no_argument, NULL, OPT_KEEP },
    { "endpoint", required_argument, NULL, OPT_ENDPOINT },
    { "after", required_argument, NULL, OPT_AFTER },
    { "queue", no_argument, NULL, OPT_QUEUE },
    { "wait", no_argument, NULL, OPT_WAIT },
    { "waiting", no_argument, NULL, OPT_WAITING },
    { NULL, 0, NULL, 0 },
};

static uint64_t number(const char *option, const char *text, uint64_t max)
{
    uint64_t n;

    if (tsr_dec(tsr_text(text), &n) == TSR_OK && n >= 1 && n <= max)
        return n;
    (void)fprintf(stderr, "tessera: --%s must be a whole number from 1 to %llu\n", option,
                  (unsigned long long)max);
    exit(EXIT_USAGE);
}

static void take_option(options *o, int which)
{
    switch (which) {
    case OPT_SERVER: o->server = optarg; break;
    case OPT_TOKEN: o->token_file = optarg; break;
    case OPT_JSON: o->json = true; break;
    case OPT_TIMEOUT: o->timeout_s = (unsigned)number("timeout", optarg, 2592000); break;
    case OPT_TYPE: o->type = optarg; break;
    case OPT_REPLACE: o->replace = true; break;
    case OPT_FILE: o->file = optarg; break;
    case OPT_IDENTITY: o->identity = optarg; break;
    case OPT_DEVICE_ID: o->device_id = optarg; break;
    case OPT_SERVER_ID: o->server_id = optarg; break;
    case OPT_SALT: o->salt = optarg; break;
    case OPT_ID_CONTEXT: o->id_context = optarg; break;
    case OPT_OSCORE_KEY_FILE: o->oscore_key_file = optarg; break;
    case OPT_OSCORE_OPTIONAL: o->oscore_optional = true; break;
    case OPT_KEY_FILE: o->key_file = optarg; break;
    case OPT_KEY_FORMAT: o->key_format = optarg; break;
    case OPT_BOOTSTRAP: o->bootstrap = true; break;
    case OPT_QUERY: o->query = optarg; break;
    case OPT_ONLINE: o->online = true; break;
    case OPT_LIMIT: o->limit = number("limit", optarg, UINT32_MAX); break;
    case OPT_COUNT: o->count = number("count", optarg, UINT32_MAX); break;
    case OPT_KEEP: o->keep = true; break;
    case OPT_ENDPOINT: o->endpoint = optarg; break;
    case OPT_AFTER: o->after = optarg; break;
    case OPT_QUEUE: o->queue = true; break;
    case OPT_WAIT: o->queue = o->wait = true; break;
    case OPT_WAITING: o->waiting = true; break;
    case OPT_HELP: help(stdout); exit(EXIT_DONE);
    case OPT_VERSION: (void)printf("tessera %s\n", TSR_VERSION); exit(EXIT_DONE);
    default: (void)fprintf(stderr, "See tessera --help.\n"); exit(EXIT_USAGE);
    }
}

static bool takes_value(const char *arg)
{
    size_t len = strcspn(arg + 2, "=");

    for (const struct option *l = longs; l->name != NULL; l++)
        if (strncmp(l->name, arg + 2, len) == 0 && l->name[len] == '\0')
            return l->has_arg == required_argument && arg[2 + len] == '\0';
    return false;
}

/* Puts the options first. getopt would do so too, but takes -5 for one, which is a value here. */
static int sort_arguments(int argc, char **argv, char **sorted)
{
    int first = 1, rest = 0;
    char **words = need(calloc((size_t)argc + 1, sizeof *words));
    bool all_words = false;

    sorted[0] = argv[0];
    for (int i = 1; i < argc; i++) {
        if (!all_words && strcmp(argv[i], "--") == 0) {
            all_words = true;
        } else if (!all_words && (strncmp(argv[i], "--", 2) == 0 || strcmp(argv[i], "-h") == 0)) {
            bool value = argv[i][1] == '-' && takes_value(argv[i]) && i + 1 < argc;

            sorted[first++] = argv[i];
            if (value)
                sorted[first++] = argv[++i];
        } else {
            words[rest++] = argv[i];
        }
    }
    memcpy(sorted + first, words, (size_t)rest * sizeof *words);
    free(words);
    return first;
}

static int run(const options *o, const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (o->arg_count >= commands[i].min && o->arg_count <= commands[i].max)
            return commands[i].run(o);
        (void)fprintf(stderr, "usage: tessera %s %s\n", name, commands[i].usage);
        return EXIT_USAGE;
    }
    (void)fprintf(stderr, "tessera: there is no command %s; see tessera --help\n", name);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    const char *server = getenv("TESSERA_SERVER");
    options o = { .server = server != NULL && server[0] != '\0' ? server : "http://127.0.0.1:8080",
                  .token_file = getenv("TESSERA_TOKEN_FILE") };
    int which;

    for (size_t i = 0; argc > 1 && i < TOOLS; i++)
        if (strcmp(tools[i].name, argv[1]) == 0)
            return tools[i].run(argc - 1, argv + 1);
    if (o.token_file != NULL && o.token_file[0] == '\0')
        o.token_file = NULL;
    char **sorted = need(calloc((size_t)argc + 1, sizeof *sorted));
    int options_end = sort_arguments(argc, argv, sorted), words = 0;

    while (sorted[options_end + words] != NULL)
        words++;

    while ((which = getopt_long(options_end, sorted, "h", longs, NULL)) != -1)
        take_option(&o, which == 'h' ? OPT_HELP : which);
    if (o.timeout_s > 600 && !o.queue) {
        (void)fprintf(stderr, "tessera: without --queue, --timeout is at most 600 seconds\n");
        return EXIT_USAGE;
    }
    if (words == 0) {
        help(stderr);
        return EXIT_USAGE;
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    o.args = sorted + options_end + 1;
    o.arg_count = words - 1;
    int code = run(&o, sorted[options_end]);

    curl_global_cleanup();
    free(sorted);
    return fflush(stdout) == 0 ? code : EXIT_SERVER;
}
