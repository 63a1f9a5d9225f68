/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera-server: the LwM2M server with its REST interface and console, as one process. */
#define _GNU_SOURCE
#include "apps/tessera-server/options.h"
#include "server/audit/audit.h"
#include "server/handover/handover.h"
#include "server/rest/rest.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

enum { EXIT_USAGE = 2 };

/* --- log: one line of name=value pairs per event ------------------------------------------ */

static const char *const level_names[] = { "error", "warning", "info", "debug" };

static void log_line(void *arg, tsr_log_level level, const char *text)
{
    const options *o = arg;
    char time_text[40], line[700];
    struct timespec now;
    struct tm utc;
    size_t n;

    if (level > o->log_level)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    n = strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(time_text + n, sizeof time_text - n, ".%03ldZ", now.tv_nsec / 1000000);
    n = (size_t)snprintf(line, sizeof line, "time=%s level=%s text=\"", time_text,
                         level_names[level]);
    for (; *text && n < sizeof line - 4; text++) {
        if (*text == '"' || *text == '\\')
            line[n++] = '\\';
        line[n++] = *text;
    }
    line[n++] = '"';
    line[n++] = '\n';
    (void)fwrite(line, 1, n, stderr); /* one write: lines of threads do not mix */
}

/* --- life ------------------------------------------------------------------------------- */

static void print_listening(const char *scheme, const tsr_address *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char text[TSR_ADDRESS_TEXT];

        tsr_address_print(&list[i], text);
        (void)printf(" %s=%s", scheme, text);
    }
}

static void print_ready(const options *o, tsr_server *server, const tsr_rest *rest,
                        const tsr_fdo *fdo)
{
    tsr_address http = o->http;

    (void)printf("tessera-server ready");
    print_listening("coap", o->server.coap, o->server.coap_count);
    print_listening("coaps", o->server.coaps, o->server.coaps_count);
    print_listening("coap+tcp", o->server.coap_tcp, o->server.coap_tcp_count);
    print_listening("coaps+tcp", o->server.coaps_tcp, o->server.coaps_tcp_count);
    print_listening("bootstrap-coap", o->server.bootstrap_coap, o->server.bootstrap_coap_count);
    print_listening("bootstrap-coaps", o->server.bootstrap_coaps, o->server.bootstrap_coaps_count);
    print_listening("bootstrap-coap+tcp", o->server.bootstrap_coap_tcp,
                    o->server.bootstrap_coap_tcp_count);
    print_listening("bootstrap-coaps+tcp", o->server.bootstrap_coaps_tcp,
                    o->server.bootstrap_coaps_tcp_count);
    if (rest) {
        http.port = tsr_rest_port(rest);
        print_listening("http", &http, 1);
    }
    if (fdo) {
        http = o->fdo_address;
        http.port = tsr_fdo_port(fdo);
        print_listening("fdo", &http, 1);
    }
    (void)printf(" data=%s registrations=%zu\n", o->data, tsr_server_count(server));
    (void)fflush(stdout);
}

/* The address without port and brackets. */
static const char *host_of(const tsr_address *at, char text[TSR_ADDRESS_TEXT])
{
    tsr_address_print(at, text);
    *strrchr(text, ':') = 0;
    if (*text != '[')
        return text;
    text[strlen(text) - 1] = 0;
    return text + 1;
}

static tsr_err start_rest(options *o, tsr_server *server, tsr_audit *audit, tsr_fdo *fdo,
                          tsr_rest **rest, char why[OPTIONS_WHY])
{
    char text[TSR_ADDRESS_TEXT];
    tsr_rest_config config = { .bind = NULL, .port = o->http.port, .fdo = fdo,
                               .audit = audit };

    if (o->no_http)
        return TSR_OK;
    config.bind = host_of(&o->http, text);
    config.token_file = o->token_file[0] ? o->token_file : NULL;
    return tsr_rest_start(rest, server, &config, why, OPTIONS_WHY);
}

static void log_fdo(void *arg, bool bad, const char *text)
{
    log_line(arg, bad ? TSR_LOG_WARNING : TSR_LOG_INFO, text);
}

static tsr_err start_audit(const options *o, tsr_server *server, tsr_audit **audit,
                           char why[OPTIONS_WHY])
{
    tsr_err err = tsr_audit_open(tsr_server_store(server), o->audit, audit);

    if (err != TSR_OK)
        (void)snprintf(why, OPTIONS_WHY, "the audit log cannot be opened: %s; see what was said of "
                       "the store", tsr_err_name(err));
    return err;
}

static void tell_stage(void *server, tsr_fdo_stage stage, const char *guid, const char *detail)
{
    tsr_server_emit(server, guid, (tsr_server_event_type)(TSR_SERVER_EV_FDO_MADE + (int)stage), detail);
}

static tsr_err start_fdo(options *o, tsr_server *server, tsr_audit *audit, tsr_fdo **fdo,
                         char why[OPTIONS_WHY])
{
    char text[TSR_ADDRESS_TEXT];
    static tsr_fdo_lwm2m lwm2m; /* for as long as the service is open */
    tsr_fdo_config config = o->fdo;

    if (!o->with_fdo)
        return TSR_OK;
    config.store = tsr_server_store(server);
    config.bind = host_of(&o->fdo_address, text);
    config.port = o->fdo_address.port;
    lwm2m = tsr_handover_of(server);
    config.lwm2m = &lwm2m;
    config.log = log_fdo;
    config.log_arg = o;
    config.audit = audit;
    config.reached = tell_stage;
    config.reached_arg = server;
    return tsr_fdo_open(&config, fdo, why, OPTIONS_WHY);
}

/* Until a signal ends it: its number. SIGHUP reads the token file again. */
static int wait_for_end(options *o, const sigset_t *signals, tsr_rest *rest)
{
    char said[OPTIONS_WHY];
    int number = 0;

    for (;;) {
        if (sigwait(signals, &number) != 0)
            continue;
        if (number != SIGHUP)
            return number;
        if (rest == NULL)
            log_line(o, TSR_LOG_WARNING, "SIGHUP: without --http there is no token file to read again");
        else if (tsr_rest_reload(rest, said, sizeof said) == TSR_OK)
            log_line(o, TSR_LOG_INFO, said);
        else
            log_line(o, TSR_LOG_ERROR, said);
    }
}

static int serve(options *o)
{
    char why[OPTIONS_WHY] = "";
    tsr_server *server = NULL;
    tsr_rest *rest = NULL;
    tsr_audit *audit = NULL;
    tsr_fdo *fdo = NULL;
    sigset_t signals;
    int status = 0;

    /* Blocked before any thread is made, so that all of them leave the signals to sigwait. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ,
                 SIG_IGN); /* a file limit is a full disk: an error of write(), not a death */
    o->server.log = log_line;
    o->server.log_arg = o;
    if (tsr_server_open(&o->server, &server, why, sizeof why) != TSR_OK) {
        log_line(o, TSR_LOG_ERROR, why);
        return 1;
    }
    if (start_audit(o, server, &audit, why) != TSR_OK ||
        start_fdo(o, server, audit, &fdo, why) != TSR_OK ||
        start_rest(o, server, audit, fdo, &rest, why) != TSR_OK) {
        log_line(o, TSR_LOG_ERROR, why);
        status = 1;
    } else {
        print_ready(o, server, rest, fdo);
        log_line(o, TSR_LOG_INFO,
                 wait_for_end(o, &signals, rest) == SIGTERM ? "stopping (SIGTERM)" : "stopping (SIGINT)");
    }
    tsr_server_quiesce(server);
    tsr_rest_stop(rest);
    tsr_fdo_close(fdo);
    tsr_audit_close(audit);
    tsr_server_close(server);
    log_line(o, TSR_LOG_INFO, "stopped");
    return status;
}

/* A TCP connection takes one: as many as the administrator allows. */
static void raise_descriptors(void)
{
    struct rlimit all;

    if (getrlimit(RLIMIT_NOFILE, &all) == 0) {
        all.rlim_cur = all.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &all);
    }
}

int main(int argc, char **argv)
{
    static options o;
    const struct rlimit no_core = { 0, 0 };
    char why[OPTIONS_WHY] = "";

    if (options_read(&o, argc, argv, why) != TSR_OK) {
        (void)fprintf(stderr, "tessera-server: %s\n", why);
        return EXIT_USAGE;
    }
    if (o.help || o.help_fdo || o.version) {
        (void)fputs(o.help       ? options_help
                    : o.help_fdo ? options_fdo_help
                                 : "tessera-server " TSR_VERSION "\n",
                    stdout);
        return 0;
    }
    setrlimit(RLIMIT_CORE, &no_core); /* session keys must not end up in a core file */
    raise_descriptors();
    return serve(&o);
}
