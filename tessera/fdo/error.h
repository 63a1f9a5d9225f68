/* SPDX-License-Identifier: Apache-2.0
 *
 * Message 255, which ends a protocol. Its code is for people and logs: nothing may depend on it. */
#ifndef TESSERA_FDO_ERROR_H
#define TESSERA_FDO_ERROR_H

#include "tessera/fdo/types.h"

typedef enum {
    TSR_FDO_INVALID_TOKEN = 1,
    TSR_FDO_INVALID_VOUCHER = 2,
    TSR_FDO_INVALID_OWNER_SIGN = 3,
    TSR_FDO_INVALID_IP = 4,
    TSR_FDO_INVALID_GUID = 5,
    TSR_FDO_NOT_FOUND = 6,
    TSR_FDO_BODY = 100,          /* does not parse */
    TSR_FDO_INVALID = 101,       /* parses, and fails a check */
    TSR_FDO_REUSE_REFUSED = 102, /* credential reuse */
    TSR_FDO_INTERNAL = 500,
} tsr_fdo_code;

typedef struct {
    uint64_t code;
    uint64_t previous; /* number of the message that it answers */
    tsr_bytes text;
    bool has_time;
    int64_t unix_s;
    bool has_correlation;
    uint64_t correlation;
} tsr_fdo_error;

/** Reads an error message: an array, or the map that older peers send; the time is a number, a
 *  tagged time or null.
 *  errors  TSR_E_MALFORMED  anything else; it is an error all the same */
tsr_err tsr_fdo_error_read(tsr_bytes in, tsr_fdo_error *e);

void tsr_fdo_error_write(tsr_buf *out, const tsr_fdo_error *e);

/** The code for what one of this room's functions said: TSR_FDO_BODY for what does not parse,
 *  TSR_FDO_INVALID for what fails a check, else TSR_FDO_INTERNAL. */
tsr_fdo_code tsr_fdo_code_of(tsr_err err);

#endif
