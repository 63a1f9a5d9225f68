/* SPDX-License-Identifier: Apache-2.0
 *
 * Modules of ServiceInfo on Linux: what an owner may do to a device while it is onboarded. Each takes
 * the messages of its owner one by one and has messages of its own to give; what takes time goes on
 * while the protocol waits. docs/FDO.md has what each does and what bounds it. */
#ifndef PORTS_LINUX_FDO_INFO_H
#define PORTS_LINUX_FDO_INFO_H

#include "ports/linux/fdo/beneath.h"
#include "ports/linux/fdo/child.h"
#include "ports/linux/http/fetch.h"
#include "ports/linux/http/secure.h"

enum {
    TSR_INFO_BLOCK = 1014,   /* bytes of data in one message, as the modules' documents say */
    TSR_INFO_COMMANDS = 16,
    TSR_INFO_ANSWERS = 16,   /* that wait to be given; an owner with more files open is refused */
    TSR_INFO_URL = 1024,
};

/** What the configuration allows. */
typedef struct {
    const char *root;    /* folder of fdo.download, fdo.upload, fdo.command and fdo.wget; NULL: none of
                            them */
    uint64_t most_bytes; /* of one file */
    struct {
        const char *name, *program; /* what an owner says; what is run: an absolute path */
    } commands[TSR_INFO_COMMANDS];
    size_t command_count; /* 0: no fdo.command */
    uint32_t command_ms, command_output;
    uint32_t wget_ms; /* 0: no fdo.wget */
    const tsr_bytes *anchors; /* CA certificates for fdo.wget over https; none: no https */
    size_t anchor_count;
} tsr_info_bounds;

/** A module. Any error of take or give ends the onboarding. */
typedef struct {
    const char *name; /* "fdo.download" */
    /** The owner has made it active; NULL: nothing to do then. */
    tsr_err (*begin)(void *self);
    /** A message of the owner: its name behind the colon, and one CBOR item. */
    tsr_err (*take)(void *self, tsr_bytes message, tsr_bytes value, uint64_t now_ms);
    /** Appends the CBOR item of the next message and names it.
     *  errors  TSR_END  nothing now */
    tsr_err (*give)(void *self, const char **message, tsr_buf *value, uint64_t now_ms);
    /** When to ask `give` again though nothing came from the owner; UINT64_MAX: nothing goes on. `fd`
     *  and `events` are what to poll for; fd -1: nothing. */
    uint64_t (*due_ms)(const void *self, int *fd, short *events, uint64_t now_ms);
    /** Forgets what was not finished. */
    void (*drop)(void *self);
    void *self;
} tsr_info;

/* ---- the modules: each fills `info` and keeps `bounds`, which must outlive it ---- */

typedef struct {
    const tsr_info_bounds *bounds;
    tsr_beneath_file file;
    bool has_length, has_hash;
    uint64_t length;
    int64_t done[TSR_INFO_ANSWERS]; /* of the files that the owner has not heard of, in their order */
    size_t done_count;
    uint8_t sha384[TSR_BENEATH_SHA384];
    bool failed; /* the rest of this file is passed over */
} tsr_info_download;

void tsr_info_download_init(tsr_info_download *m, const tsr_info_bounds *bounds, tsr_info *info);

typedef struct {
    const tsr_info_bounds *bounds;
    int fd;
    uint8_t step;
    bool need_sha;
    uint64_t length, left;
    psa_hash_operation_t hash;
} tsr_info_upload;

void tsr_info_upload_init(tsr_info_upload *m, const tsr_info_bounds *bounds, tsr_info *info);

typedef struct {
    const tsr_info_bounds *bounds;
    const char *program, *running; /* the one that is run next; the one that was run last */
    char text[TSR_CHILD_TEXT]; /* the arguments, one zero-terminated after the other */
    const char *args[TSR_CHILD_ARGS];
    size_t arg_count;
    bool may_fail, give_stream[2], has_code;
    int code;
    tsr_child child;
} tsr_info_command;

void tsr_info_command_init(tsr_info_command *m, const tsr_info_bounds *bounds, tsr_info *info);

typedef struct {
    const tsr_info_bounds *bounds;
    char name[TSR_BENEATH_NAME], url[TSR_INFO_URL];
    uint8_t sha384[TSR_BENEATH_SHA384];
    bool has_hash, running, answer;
    uint64_t give_up_ms, len;
    const char *error;
    tsr_beneath_file file;
    tsr_fetch fetch;
    tsr_fetch_secure tls;
} tsr_info_wget;

void tsr_info_wget_init(tsr_info_wget *m, const tsr_info_bounds *bounds, tsr_info *info);

/* ---- what they share ---- */

/** A zero-terminated copy of a CBOR text. errors  TSR_E_SPACE, TSR_E_MALFORMED (also a zero in it) */
tsr_err tsr_info_text(tsr_bytes value, char *text, size_t cap);

/** A SHA-384 as CBOR. */
tsr_err tsr_info_sha384(tsr_bytes value, uint8_t sha384[TSR_BENEATH_SHA384]);

/** What cannot be done is for the log; never what a file holds. */
void tsr_info_log(const char *module, const char *what, const char *name, tsr_err err);

/** due_ms of a module in which nothing goes on by itself. */
uint64_t tsr_info_never(const void *self, int *fd, short *events, uint64_t now_ms);

#endif
