/* SPDX-License-Identifier: Apache-2.0
 *
 * One device's bootstrap, step by step, without a network: what to ask next, and what its answers
 * mean. role.c carries the requests; the fuzzer and tests put any answers in their place.
 *
 *     bs_session_begin
 *     while (bs_session_next(s, &step) == TSR_OK)
 *         TSR_BS_ASK:   send step.request, then bs_session_answer
 *         TSR_BS_STORE: make s->identity and s->key durable as credential, then bs_session_stored
 *     s->done; s->cause: "" or why it failed
 */
#ifndef SERVER_BOOTSTRAP_SESSION_H
#define SERVER_BOOTSTRAP_SESSION_H

#include "server/bootstrap/profile.h"
#include "server/lwm2m/api.h"
#include "server/lwm2m/registration.h"

enum {
    BS_GENERATED_KEY_LEN = 16,
    BS_GENERATED_ID_LEN = 6,
    BS_GENERATED_SALT_LEN = 8,
    BS_CAUSE_MAX = 240,
    BS_FOUND_MAX = 64, /* instances of /0 and /1 that a Discover may show */
};

typedef enum { BS_DISCOVER, BS_READ, BS_DELETE, BS_KEYS, BS_WRITE, BS_FINISH, BS_END } bs_phase;

/** A request to the device. */
typedef struct {
    uint8_t method;
    bool finish;         /* POST /bs; else: */
    tsr_lwm2m_path path; /* the root: no Uri-Path */
    bool has_accept, has_format;
    uint16_t accept, format;
    tsr_bytes payload; /* until the next call */
} bs_request;

typedef struct {
    bs_phase phase;
    bs_request request;
} bs_step;

/** An instance that is there already; short_id 0: the bootstrap server's own. */
typedef struct {
    uint16_t object, instance, short_id;
} bs_found;

/** What goes into one write: copies of records whose values point into the profile. */
typedef struct {
    tsr_lwm2m_path base;
    tsr_server_record *records;
    size_t count;
} bs_part;

typedef struct {
    /* public, read only */
    bs_profile *profile;
    char endpoint[TSR_ENDPOINT_MAX + 1];
    bool done;
    char cause[BS_CAUSE_MAX]; /* "": all is well */
    uint16_t format;          /* that writes go in */
    char version[4];          /* of the enabler, as Discover says it; "" when not known */
    bool generates;           /* identity and key are to be made a credential */
    char identity[BS_IDENTITY_MAX + 1];
    uint8_t key[BS_GENERATED_KEY_LEN];
    uint8_t device_id[BS_GENERATED_ID_LEN], salt[BS_GENERATED_SALT_LEN]; /* with it, for oscore */
    const bs_account *generating; /* NULL: none */
    size_t values_read;
    /* private */
    bs_phase phase;
    size_t index;
    bool asked, stored;
    uint8_t refusals; /* formats that the device did not take */
    bool prefers;     /* it named one */
    bs_found found[BS_FOUND_MAX];
    size_t found_count;
    bool own_known; /* else the bootstrap server's account is taken to be /0/0 */
    bs_part *parts;
    size_t part_count;
    tsr_buf payload;
    char (*identities)[BS_IDENTITY_MAX + 1]; /* one for each server; records point here */
} bs_session;

/** Starts. `pct` 0: the device named no format.
 *  owner   *profile goes with the session: freed by bs_session_free
 *  errors  TSR_E_SPACE; then the profile is still the caller's */
tsr_err bs_session_begin(bs_session *s, bs_profile *profile, const char *endpoint, uint16_t pct);
void bs_session_free(bs_session *s); /* wipes the key */

/** The next step.
 *  errors  TSR_END      s->done: it is over, well or with a cause
 *          TSR_E_STATE  the last step has no answer yet */
tsr_err bs_session_next(bs_session *s, bs_step *step);

/** The answer to the request of the last step. code 0: there was none, and `diagnostic` says why.
 *  Values of a read are given to `keep` (may be NULL). */
typedef void bs_keep(void *arg, const tsr_server_record *record);
void bs_session_answer(bs_session *s, uint8_t code, uint16_t format, tsr_bytes body,
                       const char *diagnostic, bs_keep *keep, void *arg);

/** What protects the messages of this account, made for the device or given by the profile. */
tsr_server_oscore bs_session_oscore(const bs_session *s, const bs_account *a);

/** The credential is durable, or why not. */
void bs_session_stored(bs_session *s, tsr_err err);

/** Ends it from outside. */
void bs_session_fail(bs_session *s, const char *cause);

/** The Bootstrap-Pack: everything in one payload, after the credential is stored. `acc`: the
 *  instances of the bootstrap server's account as the request named them; NULL: not said.
 *  errors  TSR_E_UNSUPPORTED  not in this format;  TSR_E_SPACE */
tsr_err bs_session_pack(bs_session *s, uint16_t format, tsr_bytes *payload);
void bs_session_own(bs_session *s, tsr_bytes acc);

#endif
