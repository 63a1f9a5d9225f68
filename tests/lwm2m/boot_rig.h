/* SPDX-License-Identifier: Apache-2.0
 *
 * A client that can be bootstrapped, and at the other ends, by the host names of their URIs, a
 * bootstrap server "bs" and servers "one" and "two": our CoAP engine, told by the test what to ask and
 * to answer. Keys go into the PSA core of this process. */
#ifndef TESTS_LWM2M_BOOT_RIG_H
#define TESTS_LWM2M_BOOT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tessera/lwm2m/client/bootstrap.h"
#include "tessera/lwm2m/objects/device.h"
#include "tessera/lwm2m/objects/portfolio.h"
#include "tessera/lwm2m/objects/sensor.h"

enum { BS = 0, ONE = 1, TWO = 2, FARS = 3, ACCOUNTS = 4, BOOT = 3, CERTIFICATE = 600, TEXT = 4096 };

typedef struct {
    uint8_t code;
    tsr_coap_num content_format, accept;
    char path[64], queries[256];
    char text[TEXT]; /* payload, zero-terminated */
    size_t len;
    uint64_t at_ms;
} boot_message;

/* What a far end does with what comes; each code 0: success. */
typedef struct {
    tsr_coap coap;
    void *memory;
    bool silent; /* nothing reaches it */
    uint8_t bs_code, pack_code, rd_code;
    uint32_t pack_format;
    tsr_bytes pack;
    boot_message last;     /* request of the client */
    unsigned requests, registers, updates, packs, bootstraps;
    boot_message answer;   /* to the last boot_send */
    bool answered;
    tsr_coap_id asked;
} far_end;

typedef struct {
    uint64_t now_ms;
    tsr_lwm2m_client client;
    tsr_lwm2m_account accounts[ACCOUNTS];
    tsr_lwm2m_observation observations[4];
    tsr_lwm2m_attachment attachments[4];
    uint8_t body[4096], state[16384], undo[2048];
    tsr_coap_config coap;
    void *memory;
    tsr_lwm2m_bootstrap boot;
    tsr_lwm2m_securities securities;
    tsr_lwm2m_credentials credentials;
    tsr_lwm2m_security security[ACCOUNTS], staged_security[ACCOUNTS];
    tsr_lwm2m_servers servers;
    tsr_lwm2m_server server[ACCOUNTS], staged_server[ACCOUNTS];
    uint32_t keys[3 * ACCOUNTS];
    uint8_t certificates[2 * ACCOUNTS * CERTIFICATE], staged_certificates[2 * ACCOUNTS * CERTIFICATE];
    tsr_lwm2m_device device;
    tsr_lwm2m_portfolios portfolios;
    tsr_lwm2m_portfolio portfolio[2];
    tsr_lwm2m_sensors sensors;
    tsr_lwm2m_sensor sensor;
    bool has_access; /* object 2 is there */
    tsr_lwm2m_accesses accesses;
    tsr_lwm2m_access access[12];
    /* Object 21, for a test that sets the first two. */
    const struct tsr_lwm2m_boot_oscore *oscore;
    tsr_lwm2m_object (*oscore_object)(tsr_lwm2m_oscores *oscores);
    tsr_lwm2m_oscores oscores;
    tsr_lwm2m_oscore oscore_items[ACCOUNTS], staged_oscores[ACCOUNTS];
    uint32_t oscore_keys[3 * ACCOUNTS];
    tsr_lwm2m_object objects[7];
    tsr_lwm2m_registry registry;
    int attached[ACCOUNTS]; /* a far end, or -1 */
    unsigned attaches;
    far_end far[FARS];
    uint8_t saved[16384];
    size_t saved_len, saves;
    size_t fail_from; /* this save and all later ones fail; 0: none */
    size_t events[TSR_LWM2M_E_SAVE_FAILED + 1];
    tsr_lwm2m_client_event last_failure; /* of a bootstrap */
    tsr_lwm2m_client_event last_request;
    bool factory_server; /* the factory account of "one" beside that of the bootstrap server */
    bool pack;
    uint32_t hold_off_s, timeout_s;
} boot_rig;

/* Options are set on it before boot_start(). */
boot_rig *boot_new(void);
void boot_start(boot_rig *r);
void boot_free(boot_rig *r);

/* Power is cut, and comes back: the client begins from what was saved last. */
void boot_restart(boot_rig *r);

void boot_run(boot_rig *r);
void boot_wait(boot_rig *r, uint64_t ms);

const boot_message *boot_send(boot_rig *r, int far, uint8_t method, const char *path, int accept,
                              int content_format, tsr_bytes payload);
const boot_message *boot_get(boot_rig *r, int far, const char *path, int accept);
const boot_message *boot_put_text(boot_rig *r, const char *path, const char *text);
const boot_message *boot_delete(boot_rig *r, const char *path);
const boot_message *boot_finish(boot_rig *r);

/* The account of a server, as the values of its instances. */
typedef struct {
    uint16_t instance, short_id;
    const char *uri;
    int mode; /* tsr_lwm2m_security_mode */
    const char *identity, *key; /* may be NULL */
    tsr_bytes documents[3]; /* certificate, server's certificate, private key; mode CERTIFICATE */
    bool bootstrap;
    uint32_t lifetime_s;
} boot_account_values;

/* Puts /0/instance, or /1/instance, into a payload. */
void boot_put_security(tsr_lwm2m_out *out, const boot_account_values *v);
void boot_put_server(tsr_lwm2m_out *out, const boot_account_values *v);

/* Bootstrap-Writes of both, with the path of the object (level 1) or of the instance (level 2). */
void boot_write_account(boot_rig *r, const boot_account_values *v, tsr_lwm2m_format format,
                        uint8_t level);

/* Keys of the table that are in PSA now. */
size_t boot_keys(const boot_rig *r);

tsr_lwm2m_account *boot_of(boot_rig *r, uint16_t short_id);

#define assert_code(message, cls, detail) \
    assert_int_equal((message)->code, TSR_COAP_CODE(cls, detail))

#endif
