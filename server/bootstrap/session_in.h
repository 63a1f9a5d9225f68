/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of a session share. */
#ifndef SERVER_BOOTSTRAP_SESSION_IN_H
#define SERVER_BOOTSTRAP_SESSION_IN_H

#include "server/bootstrap/session.h"
#include "tessera/json/link.h"

/* parts.c: the writes, once instances and keys are known */
tsr_err parts_make(bs_session *s);
void parts_free(bs_session *s);

#endif
