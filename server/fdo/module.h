/* SPDX-License-Identifier: Apache-2.0
 *
 * The modules of service info that a plan's steps are of. Private to server/fdo. */
#ifndef SERVER_FDO_MODULE_H
#define SERVER_FDO_MODULE_H

#include "server/fdo/plan.h"

typedef enum {
    FDO_SAID,  /* one pair was put; the phase goes on by one */
    FDO_WAITS, /* the device has to answer first */
    FDO_OVER,  /* nothing more to say or to wait for */
} fdo_say;

typedef struct {
    const char *name;
    /** NULL, or what is wrong with a step as the operator wrote it. */
    const char *(*check)(const tsr_json *step);
    /** Puts the pair of p->phase; a pair that does not fit is asked for again. */
    fdo_say (*say)(fdo_plan_run *p, tsr_buf *pairs);
    /** Hears the device. NULL, or why TO2 cannot go on. */
    const char *(*take)(tsr_fdo *f, fdo_plan_run *p, tsr_bytes message, tsr_bytes value);
} fdo_module;

/** NULL: it names none. */
const fdo_module *fdo_module_of(const tsr_json *step);

/** The step under way is done. */
void fdo_step_over(fdo_plan_run *p);

extern const fdo_module fdo_download, fdo_upload, fdo_command, fdo_wget, fdo_csr, fdo_lwm2m;

/** NULL, or why the accounts of a plan do not go together, and at which of the steps. */
const char *fdo_accounts_wrong(const tsr_json *steps, unsigned *at);

/* Pairs with values of one item. */
void fdo_say_bool(tsr_buf *out, const char *module, const char *message, bool v);
void fdo_say_uint(tsr_buf *out, const char *module, const char *message, uint64_t v);
void fdo_say_text(tsr_buf *out, const char *module, const char *message, const char *text);
void fdo_say_bytes(tsr_buf *out, const char *module, const char *message, tsr_bytes v);

enum { FDO_NAME_MAX = 200, FDO_BLOCK = 1014 };

/** A step has no member but these (NULL ends the list), `module` and `optional`. */
bool fdo_step_only(const tsr_json *step, const char *const *names);

/** True, false or nothing: no other value has this member. */
bool fdo_step_flag(const tsr_json *step, const char *name);

/** A text member of a step, of at most FDO_NAME_MAX bytes; false: there is none. */
bool fdo_step_text(const tsr_json *step, const char *name, char out[FDO_NAME_MAX + 1]);

/** SHA-384. errors TSR_E_CRYPTO */
tsr_err fdo_sha384(tsr_bytes in, uint8_t out[48]);

/** Keeps what came from a device under "GUID/name". errors TSR_E_IO */
tsr_err fdo_keep_result(tsr_fdo *f, const fdo_plan_run *p, const char *name, tsr_bytes body);

#endif
