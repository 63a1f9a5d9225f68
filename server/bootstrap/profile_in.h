/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that read a profile share. Private to server/bootstrap/profile*.c. */
#ifndef SERVER_BOOTSTRAP_PROFILE_IN_H
#define SERVER_BOOTSTRAP_PROFILE_IN_H

#include "server/bootstrap/profile.h"
#include "tessera/json/json.h"

/** Where in the profile we are, and where the cause goes when it is refused. */
typedef struct {
    bs_profile *p;
    char *why;
    size_t why_cap;
    char where[40]; /* "servers[2]" */
} reading;

/** Says the cause and the remedy, and gives TSR_E_ARGUMENT back. */
tsr_err bs_bad(const reading *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* profile_member.c: members are there or not; a wrong type or name is refused */

/** `names` ends with NULL: an object with no other member than these. */
tsr_err bs_only(const reading *r, const tsr_json *object, const char *const *names);
tsr_err bs_flag(const reading *r, const tsr_json *object, const char *name, bool *out);
tsr_err bs_number(const reading *r, const tsr_json *object, const char *name, uint64_t min,
                  uint64_t max, int64_t *out);
bool bs_given(const tsr_json *object, const char *name);

/* profile_values.c: values, typed by the object models */

void bs_begin_values(bs_values *v);
void bs_put_value(bs_values *v, tsr_lwm2m_path path, tsr_bytes json);
void bs_put_number(bs_values *v, tsr_lwm2m_path path, uint64_t n);
tsr_err bs_end_values(const reading *r, bs_values *v, tsr_lwm2m_path base);
void bs_free_values(bs_values *v);

/* profile_account.c: one of `servers` */

tsr_err bs_read_account(const reading *r, const tsr_json *object, bs_account *a);

/* profile_keys.c: what an account's security needs */

bool bs_is_plain(const bs_account *a); /* without DTLS */
tsr_err bs_read_mode(const reading *r, const tsr_json *object, bs_account *a);
tsr_err bs_read_psk(const reading *r, const tsr_json *object, bs_account *a);
tsr_err bs_read_oscore(const reading *r, const tsr_json *object, bs_account *a);
tsr_err bs_check_certificates(const reading *r, const tsr_json *object, const bs_account *a);

/* profile_access.c: one of `access_control` */

tsr_err bs_read_access(reading *r, const tsr_json *item);
bool bs_deletes(const bs_profile *p, tsr_lwm2m_path path);

#endif
