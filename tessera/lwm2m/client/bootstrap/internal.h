/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the bootstrap interface share. Not for others. */
#ifndef TESSERA_LWM2M_CLIENT_BOOTSTRAP_INTERNAL_H
#define TESSERA_LWM2M_CLIENT_BOOTSTRAP_INTERNAL_H

#include "tessera/lwm2m/client/bootstrap.h"
#include "tessera/lwm2m/client/internal.h"

/* stage.c: a copy of Security and Server to write to, and what other objects were before. */
void tsr_lwm2m_stage_begin(tsr_lwm2m_client *c);
void tsr_lwm2m_stage_drop(tsr_lwm2m_client *c);
void tsr_lwm2m_stage_sweep(const tsr_lwm2m_client *c, bool staged);
bool tsr_lwm2m_stage_has(const tsr_lwm2m_client *c, uint16_t object);
bool tsr_lwm2m_stage_find(const tsr_lwm2m_client *c, uint16_t id, tsr_lwm2m_object *object);
tsr_err tsr_lwm2m_stage_touch(tsr_lwm2m_client *c, const tsr_lwm2m_object *object);
bool tsr_lwm2m_stage_held(const tsr_lwm2m_client *c, const tsr_lwm2m_object *object, tsr_buf *out);

/* write.c */
tsr_err tsr_lwm2m_stage_write(tsr_lwm2m_client *c, tsr_lwm2m_path at, tsr_lwm2m_format format,
                              tsr_bytes payload, bool *broken);
tsr_err tsr_lwm2m_stage_pack(tsr_lwm2m_client *c, tsr_lwm2m_format format, tsr_bytes payload);

/* delete.c */
tsr_err tsr_lwm2m_stage_delete(tsr_lwm2m_client *c, tsr_lwm2m_path at);
tsr_err tsr_lwm2m_stage_remove_all(tsr_lwm2m_client *c, const tsr_lwm2m_object *object);

/* Transport 5.2.5: an instance of Server goes with the instance of Security that was deleted. */
void tsr_lwm2m_stage_delete_orphans(tsr_lwm2m_client *c);

/* check.c: NULL if what is staged can be used, else what is wrong. */
const char *tsr_lwm2m_stage_check(const tsr_lwm2m_client *c);
tsr_lwm2m_security *tsr_lwm2m_stage_successor(const tsr_lwm2m_client *c);

/* commit.c */
tsr_err tsr_lwm2m_stage_commit(tsr_lwm2m_client *c);
tsr_err tsr_lwm2m_accounts_assign(tsr_lwm2m_client *c);
void tsr_lwm2m_account_vacate(tsr_lwm2m_client *c, tsr_lwm2m_account *a, bool forget);
tsr_err tsr_lwm2m_boot_attach(tsr_lwm2m_client *c);

/* discover.c */
tsr_err tsr_lwm2m_boot_discover(tsr_lwm2m_client *c, tsr_lwm2m_path at, tsr_buf *out);

/* oscore.c; reached through bootstrap->oscore */
struct tsr_lwm2m_boot_oscore {
    void (*begin)(tsr_lwm2m_bootstrap *b);
    void (*swap)(const tsr_lwm2m_bootstrap *b);
    /* Keys that neither the real instances nor (staged) the copies name. */
    void (*sweep)(const tsr_lwm2m_bootstrap *b, bool staged);
    void (*adopt)(const tsr_lwm2m_bootstrap *b);
    /* The instance that an account names; NULL: none. */
    tsr_lwm2m_oscore *(*of)(const tsr_lwm2m_oscores *all, const tsr_lwm2m_security *s);
    const char *(*check)(const tsr_lwm2m_bootstrap *b, const tsr_lwm2m_security *s);
    bool (*is_same)(const tsr_lwm2m_bootstrap *b, const tsr_lwm2m_security *s);
};

/* request.c */
void tsr_lwm2m_boot_request(tsr_lwm2m_client *c, const tsr_coap_event *event);

/* bootstrap.c */
void tsr_lwm2m_boot_finished(tsr_lwm2m_client *c);
void tsr_lwm2m_boot_failed(tsr_lwm2m_client *c, uint8_t code, const char *reason);

static inline tsr_lwm2m_account *boot_account(const tsr_lwm2m_client *c)
{
    return &c->config.accounts[c->bootstrap->account];
}

#endif
