/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages to another server, over HTTP. Private to server/fdo. */
#ifndef SERVER_FDO_POST_H
#define SERVER_FDO_POST_H

#include <stdatomic.h>

#include "tessera/base/bytes.h"

typedef struct {
    void *curl;
    const char *base; /* "http://host:port" */
    const atomic_bool *stop;
    tsr_buf answer; /* to the last message */
    char token[200];
    char why[200];  /* what went wrong; "" */
    uint8_t type;   /* of the answer */
    char line[300]; /* private */
} fdo_post;

/** errors TSR_E_SPACE */
tsr_err fdo_post_open(fdo_post *p, const char *base, const atomic_bool *stop);
void fdo_post_close(fdo_post *p);

/** Sends a message and takes its answer, which has the next number.
 *  errors  TSR_E_IO (not reached, stopped), TSR_E_DENIED (message 255 or another answer) */
tsr_err fdo_post_message(fdo_post *p, uint8_t type, tsr_bytes body);

#endif
