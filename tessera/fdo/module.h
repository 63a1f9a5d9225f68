/* SPDX-License-Identifier: Apache-2.0
 *
 * Service-info modules of a device: what an owner says to a module, and what the module answers.
 * devmod is built in. */
#ifndef TESSERA_FDO_MODULE_H
#define TESSERA_FDO_MODULE_H

#include "tessera/fdo/types.h"

enum {
    TSR_FDO_MODULES_MAX = 32,  /* that a device may have */
    TSR_FDO_MODULE_NAME = 64,  /* bytes of a module's name */
    TSR_FDO_MESSAGE_NAME = 32, /* bytes of a message's name */
};

typedef struct {
    const char *name; /* "fdo.download" */
    void *state;      /* goes into each call */

    /** A message of the owner; `active` excepted, which the engine answers by itself. `value` is
     *  one well-formed item and lives as long as the call.
     *  returns TSR_OK     taken
     *          TSR_END    not now: the engine calls again with the same message at its next poll,
     *                     and lets the owner wait
     *          any error  TO2 ends with an error message, and is tried again later */
    tsr_err (*receive)(void *state, tsr_bytes message, tsr_bytes value);

    /** The next message to the owner, if the module has one: its name (which lives until the next
     *  call) and one CBOR item into `value`, whose cap is the room that is left. May be NULL.
     *  returns TSR_OK       there is a message
     *          TSR_END      none at present
     *          TSR_E_SPACE  there is one, longer than the room: the engine begins a new message and
     *                       calls again; when even an empty one is too short, TO2 ends
     *          any other    TO2 ends with an error message */
    tsr_err (*send)(void *state, const char **message, tsr_buf *value);

    /** The owner switched the module on or off. May be NULL. */
    tsr_err (*activate)(void *state, bool on);

    /** TO2 begins, or it is over (`done`: in good order). May be NULL. */
    void (*reset)(void *state, bool done);
} tsr_fdo_module;

/** What devmod tells; text. Optional ones are empty. */
typedef struct {
    const char *os, *arch, *version, *device; /* required */
    const char *separator; /* required, ";": between the parts of a file's path list */
    const char *bin;       /* required: the kind of programs that run here */
    const char *serial, *path_separator, *new_line, *tmp, *dir, *program_env, *mud_url;
} tsr_fdo_devmod;

#endif
