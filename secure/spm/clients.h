/* SPDX-License-Identifier: Apache-2.0
 *
 * Client numbers: who a user of the normal world is to the secure world.
 *
 * A number owns persistent keys and stored assets, so it has to stay the same for as long as the
 * store lives. Unless the operator gives one, user u is client -(u + 1): a fixed rule that never
 * gives two users one number. */
#ifndef SECURE_SPM_CLIENTS_H
#define SECURE_SPM_CLIENTS_H

#include "tessera/base/bytes.h"

#define TSR_SPM_CLIENTS_MAX 32u
#define TSR_SPM_NOBODY      65534u /* what Linux calls any user of a foreign user namespace */

typedef struct {
    uint32_t uid;
    int32_t client;
} tsr_spm_named;

typedef struct { /* zeroed: nobody is named */
    tsr_spm_named named[TSR_SPM_CLIENTS_MAX];
    size_t count;
} tsr_spm_clients;

/** Names user `uid`. Two users may share a number on purpose.
 *  errors  TSR_E_ARGUMENT  the number is not negative (FF-M: the normal world's numbers are)
 *          TSR_E_EXISTS    the user was named before
 *          TSR_E_SPACE     more than TSR_SPM_CLIENTS_MAX */
tsr_err tsr_spm_name(tsr_spm_clients *c, uint32_t uid, int32_t client);

/** Names from text, "UID=NUMBER", as in a configuration: "1001=-7".
 *  errors  TSR_E_MALFORMED, and those of tsr_spm_name */
tsr_err tsr_spm_name_text(tsr_spm_clients *c, tsr_bytes text);

/** The number of a user.
 *  errors  TSR_E_DENIED  a user above 2^31 - 2, or TSR_SPM_NOBODY, that was not named: users of
 *                        other user namespaces would all be one client
 *          TSR_E_EXISTS  the user's own number was given to another user by name */
tsr_err tsr_spm_client_of(const tsr_spm_clients *c, uint32_t uid, int32_t *client);

#endif
