/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's command line: what its files share. */
#ifndef APPS_TESSERA_TESSERA_H
#define APPS_TESSERA_TESSERA_H

#include "tessera/json/json.h"

/** Exit codes; `tessera --help` lists them. */
enum {
    EXIT_DONE = 0,
    EXIT_USAGE = 1,       /* the command line is wrong */
    EXIT_NOT_FOUND = 2,   /* no such device, object, model or credential */
    EXIT_DEVICE = 3,      /* the device refused, or answered nonsense */
    EXIT_TIMEOUT = 4,     /* the device did not answer in time */
    EXIT_UNREACHABLE = 5, /* the server cannot be reached */
    EXIT_DENIED = 6,      /* token missing or wrong */
    EXIT_SERVER = 7,      /* the server refused or failed */
};

typedef struct {
    const char *server;     /* http://127.0.0.1:8080 */
    const char *token_file; /* NULL: none */
    bool json;
    unsigned timeout_s; /* for the device; 0: the server's default */
    /* options of single commands */
    const char *query, *type, *file, *identity, *key_file, *key_format, *endpoint, *after;
    const char *device_id, *server_id, *salt, *id_context, *oscore_key_file;
    bool oscore_optional;
    bool online, replace, keep, bootstrap;
    bool queue, wait, waiting; /* requests that wait on the server */
    uint64_t limit, count; /* 0: not given */
    /* what is left */
    char **args;
    int arg_count;
} options;

/* --- http.c ------------------------------------------------------------------------------- */

/** An answer; give it back to http_free, which is harmless for one that failed. */
typedef struct {
    long status;
    char *text;
    size_t len;
    tsr_json json; /* when it is JSON; else kind is TSR_JSON_NULL */
} answer;

/** Sends a request and waits. `path` is below /api/v1; `body` NULL: none.
 *  Returns 0, or the exit code after it said on stderr what went wrong. */
int http_call(const options *o, const char *method, const char *path, const char *body, answer *a);
void http_free(answer *a);

/** GETs what `path` names and prints it: the JSON as it came with --json, else as `print` does.
 *  Returns 0, or the exit code after it said on stderr what went wrong. */
int http_show(const options *o, const char *path, void (*print)(const tsr_json *));

/** The same for a text that came from a file ("-": standard input): a complaint begins with the line and column
 *  that it is about, where the server says what that is. */
int http_call_file(const options *o, const char *method, const char *path, const char *body, const char *file,
                   answer *a);

/** One message of the event stream; `data` is JSON. False ends the stream. */
typedef bool stream_fn(void *arg, const char *event, const tsr_json *data);

/** Follows the event stream and comes back to it where it was cut; until `fn` or a signal ends it.
 */
int http_stream(const options *o, const char *endpoint, const char *after, stream_fn *fn,
                void *arg);

/** "/devices/{endpoint}" with the name encoded, and what follows it, printf-like. Free it. */
char *device_path(const char *endpoint, const char *rest, ...)
    __attribute__((format(printf, 2, 3)));

/** Set by SIGINT and SIGTERM. */
bool interrupted(void);

/* --- print.c ------------------------------------------------------------------------------ */

/** A table of text; columns are as wide as their widest cell. */
typedef struct {
    char ***rows;
    size_t count, columns;
} table;

/** Adds a row of `columns` cells; the strings are copied, NULL is "". The first row is the head. */
void table_row(table *t, const char *const *cells);
void table_print(table *t); /* and frees it */
void table_free(table *t);
/** The same, or `nothing` when there is only the head. */
void table_print_or(table *t, const char *nothing);

/** The paths of a composite operation, or the one `path` of another. Free it.
 *  most  of them, and then how many more there are; 0: all */
char *paths_of(const tsr_json *item, size_t most);

/** "?timeout=..&queue=true", as the options say; `more` behind it, or "". */
void query_of(const options *o, char *out, size_t cap, const char *more);

/** A member of an object as text for people, "" when absent. Lives until the next eight calls.
 *  Control characters are replaced: what a device says must not drive the terminal. */
const char *text_of(const tsr_json *object, const char *name);
const char *value_text(const tsr_json *value, const char *type);
const char *ago(const char *moment);

/** Text of somebody else, made so that it cannot drive the terminal: control characters, what is no
 *  UTF-8, and what turns the direction of writing become question marks. Everything that a device,
 *  a package or a token says goes through here, or is JSON. */
void put_visible(tsr_buf *out, tsr_bytes text);
void print_visible(tsr_bytes text);

void print_json(const answer *a);
/** JSON with a line for each member, to be changed and sent again. */
void print_json_lines(const tsr_json *v);
void *need(void *memory); /* or says so and exits */

/* --- pages.c ------------------------------------------------------------------------------ */

typedef void page_fn(void *arg, const answer *page);
typedef void row_fn(table *t, const tsr_json *item);

/** Fetches a list whole, page after page; `path` may have a query. Returns an exit code. */
int walk_pages(const options *o, const char *path, page_fn *fn, void *arg);
/** Prints it as a table, whose head `t` has already, or `nothing`; with --json each page as it came. Frees `t`. */
int list_pages(const options *o, const char *path, table *t, row_fn *fn, const char *nothing);

/* --- values.c ----------------------------------------------------------------------------- */

/** Turns "path=value" arguments (or one value for `path`) into a request body, typed by the
 * server's model of the object. Returns 0 or an exit code. `*body` is the caller's. */
int body_of_value(const options *o, const char *path, const char *value, char **body);
/** The same for several; `named`: the body of a Create that names its instance. */
int body_of_values(const options *o, char **args, int count, const char *instance, bool named,
                   char **body);

/** The same for a composite write: "path=value" sets, "path" deletes a resource instance. */
int body_of_changes(const options *o, char **args, int count, char **body);

/** Prints a `Values` answer as a table. */
void print_values(const tsr_json *values);

/** Prints a `Links` answer as a table; nothing when it has none. */
void print_links(const tsr_json *links);

/** Checks "/3/0/9" with between `min` and `max` numbers; says what is wrong and returns false. */
bool path_ok(const char *path, int min, int max);

/* --- commands ----------------------------------------------------------------------------- */

typedef int command_fn(const options *o);
command_fn cmd_devices, cmd_show, cmd_drop, cmd_health, cmd_models; /* devices.c */
command_fn cmd_read, cmd_write, cmd_exec, cmd_create, cmd_delete;   /* operations.c */
command_fn cmd_discover, cmd_attributes, cmd_values, cmd_history;   /* operations.c */
command_fn cmd_observe, cmd_cancel, cmd_observations, cmd_events;   /* observe.c */
command_fn cmd_requests, cmd_request;                               /* requests.c */
command_fn cmd_read_composite, cmd_write_composite;                 /* composite.c */
command_fn cmd_observe_composite, cmd_cancel_composite;             /* composite.c */
command_fn cmd_credentials;                                         /* credentials.c */
command_fn cmd_certificates;                                       /* bootstrap.c */
command_fn cmd_bootstrap;                                           /* bootstrap.c */
command_fn cmd_plans, cmd_groups;                                   /* plans.c */
command_fn cmd_onboarding;                                          /* onboarding.c */

/** The digits of a GUID, which may be written with hyphens; false: it is none. */
bool guid_of(const char *text, char guid[33]);
/** Which plan a device of FDO gets, and why, in words; room for 160 characters. */
void plan_words(const tsr_json *device, char *out, size_t cap);

/** Prints a `Request`, with --wait once it is over, and frees the answer. Returns an exit code; of
 *  requests.c. */
int follow_request(const options *o, answer *a);

/** A command on files: reads its own options from argv[1] on, returns the exit code. */
typedef int tool_fn(int argc, char **argv);
tool_fn tool_package; /* package.c */
tool_fn tool_attest;  /* attest.c */
tool_fn tool_voucher; /* voucher.c */
tool_fn tool_operators; /* operators.c */

/** The whole file, at most 1 MiB; "-": standard input. The caller frees it. NULL: it was said why, as
 *  "tessera TOOL: ..."; of file.c. */
uint8_t *read_file(const char *tool, const char *path, tsr_bytes *out);

/** A new file (mode 0600) for a `what`, "key" or "token", durable; one that is there already is left alone. False:
 *  it was said on stderr why. */
bool write_secret(const char *tool, const char *path, tsr_bytes content, const char *what);

#endif
