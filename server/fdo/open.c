/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing: keys, authorities and what the options say. */
#define _GNU_SOURCE
#include "server/fdo/front.h"
#include "server/fdo/place.h"
#include "server/fdo/to0.h"
#include "server/rest/room.h"

#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tessera/cbor/cbor.h"

enum { PUBLIC_MAX = TSR_FDO_DER_KEY_MAX + 16, DIRECTIVE_MAX = 384 };

static tsr_err fail(char *why, size_t why_cap, const char *what)
{
    (void)snprintf(why, why_cap, "%s", what);
    return TSR_E_ARGUMENT;
}

/* FDO 1.1 RendezvousInfo: RVClCertHash */
static tsr_err hash_ca(const tsr_fdo_config *c, uint8_t room[TSR_FDO_HASH_MAX], tsr_fdo_hash *hash, char *why,
                       size_t why_cap)
{
    mbedtls_x509_crt crt;
    tsr_bytes der;
    tsr_err err = TSR_E_ARGUMENT;

    *hash = (tsr_fdo_hash){ .alg = 0 };
    if (c->rendezvous_ca == NULL)
        return TSR_OK;
    mbedtls_x509_crt_init(&crt);
    if (mbedtls_x509_crt_parse_file(&crt, c->rendezvous_ca) == 0) {
        der = tsr_view(crt.raw.p, crt.raw.len);
        err = tsr_fdo_hash_make(TSR_FDO_SHA256, &der, 1, room, hash);
    }
    mbedtls_x509_crt_free(&crt);
    if (err != TSR_OK)
        (void)snprintf(why, why_cap, "%s: no certificate can be read from it: give that of the CA of the "
                       "rendezvous servers, PEM or DER", c->rendezvous_ca);
    return err;
}

static tsr_err load_rv_info(tsr_fdo *f, char *why, size_t why_cap)
{
    tsr_fdo_config *c = &f->config;
    uint8_t hash_room[TSR_FDO_HASH_MAX];
    tsr_fdo_hash ca;
    fdo_place p;
    tsr_err err = hash_ca(c, hash_room, &ca, why, why_cap);

    if (err != TSR_OK)
        return err;
    rest_room(&f->rv_info, 16 + DIRECTIVE_MAX * (size_t)TSR_FDO_PLACES_MAX);
    tsr_cbor_put_array(&f->rv_info, c->rendezvous_count);
    for (unsigned i = 0; i < c->rendezvous_count; i++) {
        if (fdo_place_read(c->rendezvous[i], &p) != TSR_OK) {
            (void)snprintf(why, why_cap, "%s: no place of a rendezvous server; write one like "
                           "http://rendezvous.example:8040", c->rendezvous[i]);
            return TSR_E_ARGUMENT;
        }
        tsr_fdo_directive d = fdo_place_directive(&p);

        if (p.tls)
            d.ca_cert = ca;
        d.has_delay = c->delay_s != 0;
        d.delay_s = c->delay_s;
        tsr_fdo_put_directive(&f->rv_info, &d);
    }
    for (unsigned i = 0; i < c->owner_place_count; i++)
        if (fdo_place_read(c->owner_places[i], &p) != TSR_OK) {
            (void)snprintf(why, why_cap, "%s: no place of an owner; write one like "
                           "http://owner.example:8042", c->owner_places[i]);
            return TSR_E_ARGUMENT;
        }
    return f->rv_info.err;
}

static tsr_err load_trust(tsr_fdo *f, char *why, size_t why_cap)
{
    tsr_fdo_config *c = &f->config;

    for (unsigned i = 0; i < c->owner_trust_count; i++) {
        rest_room(&f->trusted, PUBLIC_MAX);
        tsr_err err = fdo_public_read(c->owner_trust[i], &f->trusted, why, why_cap);

        if (err != TSR_OK)
            return err;
    }
    if (c->device_trust == NULL)
        return TSR_OK;
    f->roots = calloc(1, sizeof *f->roots);
    if (f->roots == NULL)
        return TSR_E_SPACE;
    mbedtls_x509_crt_init(f->roots);
    if (mbedtls_x509_crt_parse_file(f->roots, c->device_trust) == 0)
        return TSR_OK;
    (void)snprintf(why, why_cap, "%s: no certificates can be read from it: give a PEM file",
                   c->device_trust);
    return TSR_E_ARGUMENT;
}

static tsr_err load_maker(tsr_fdo *f, char *why, size_t why_cap)
{
    tsr_fdo_config *c = &f->config;
    tsr_buf next = tsr_buf_over(f->next_owner, sizeof f->next_owner);
    tsr_err err;

    if (c->manufacturer_key_count == 0 || c->device_ca == NULL || c->device_ca_key == NULL)
        return fail(why, why_cap, "the manufacturer needs a key for vouchers, and the certificate "
                                  "and key of an authority for devices");
    if (c->rendezvous_count == 0)
        return fail(why, why_cap, "the manufacturer needs a rendezvous server to tell devices of");
    err = fdo_keys_open(&f->makers, c->manufacturer_keys, c->manufacturer_key_count, why, why_cap);
    if (err == TSR_OK)
        err = fdo_authority_open(c->device_ca, c->device_ca_key, &f->authority, why, why_cap);
    if (err == TSR_OK && c->next_owner != NULL && strcmp(c->next_owner, "own") != 0) {
        err = fdo_public_read(c->next_owner, &next, why, why_cap);
        f->next_owner_len = next.len;
    }
    return err;
}

static tsr_err load(tsr_fdo *f, char *why, size_t why_cap)
{
    tsr_fdo_config *c = &f->config;
    tsr_err err = load_rv_info(f, why, why_cap);

    if (err == TSR_OK)
        err = load_trust(f, why, why_cap);
    if (err == TSR_OK && (c->roles & TSR_FDO_MANUFACTURER) != 0)
        err = load_maker(f, why, why_cap);
    if (err == TSR_OK && (c->roles & TSR_FDO_OWNER) != 0) {
        if (c->owner_key_count == 0)
            return fail(why, why_cap, "the owner needs a key: vouchers are extended to it");
        err = fdo_keys_open(&f->owners, c->owner_keys, c->owner_key_count, why, why_cap);
    }
    if (err == TSR_OK && (c->roles & TSR_FDO_RENDEZVOUS) != 0 && c->owner_trust_count == 0 &&
        !c->any_owner)
        return fail(why, why_cap, "the rendezvous service needs keys of makers or owners that it "
                                  "takes vouchers of; or let it take any");
    if (err == TSR_OK)
        err = tsr_store_reader_open(c->store, &f->reader);
    return err;
}

static void set_defaults(tsr_fdo_config *c)
{
    if (c->wait_max_s == 0)
        c->wait_max_s = FDO_WAIT_S;
    if (c->message_max == 0)
        c->message_max = UINT16_MAX;
    c->sessions = c->sessions != 0 ? c->sessions : 4096;
    c->session_ms = c->session_ms != 0 ? c->session_ms : 600000;
    c->rate = c->rate != 0 ? c->rate : 200;
    c->peer_rate = c->peer_rate != 0 ? c->peer_rate : (c->rate + 1) / 2;
}

tsr_err tsr_fdo_open_bare(const tsr_fdo_config *config, tsr_fdo **out, char *why, size_t why_cap)
{
    tsr_fdo *f = calloc(1, sizeof *f);
    tsr_err err;

    if (f == NULL)
        return TSR_E_SPACE;
    f->config = *config;
    set_defaults(&f->config);
    (void)pthread_mutex_init(&f->read_lock, NULL);
    for (size_t i = 0; i < FDO_LOCKS; i++) {
        (void)pthread_mutex_init(&f->making[i], NULL);
        (void)pthread_mutex_init(&f->noting[i], NULL);
    }
    fdo_sessions_open(&f->sessions, f->config.sessions, f->config.session_ms, f->config.rate);
    err = psa_crypto_init() == PSA_SUCCESS ? TSR_OK : TSR_E_CRYPTO;
    if (err == TSR_OK)
        err = fdo_peers_open(&f->peers, f->config.peer_rate);
    if (err == TSR_OK)
        err = load(f, why, why_cap);
    if (err == TSR_OK)
        *out = f;
    else
        tsr_fdo_close(f);
    return err;
}

tsr_err tsr_fdo_open(const tsr_fdo_config *config, tsr_fdo **out, char *why, size_t why_cap)
{
    tsr_fdo *f = NULL;
    tsr_err err = tsr_fdo_open_bare(config, &f, why, why_cap);

    if (err == TSR_OK)
        err = fdo_to0_start(f) == TSR_OK
                  ? TSR_OK
                  : fail(why, why_cap, "no memory or no thread left for registrations (TO0)");
    if (err == TSR_OK)
        err = fdo_front_open(f, why, why_cap);
    if (err == TSR_OK)
        *out = f;
    else
        tsr_fdo_close(f);
    return err;
}

void tsr_fdo_close(tsr_fdo *f)
{
    if (f == NULL)
        return;
    fdo_front_close(f);
    fdo_to0_stop(f);
    fdo_sessions_close(&f->sessions);
    fdo_peers_close(&f->peers);
    fdo_keys_close(&f->makers);
    fdo_keys_close(&f->owners);
    fdo_authority_close(f->authority);
    if (f->roots != NULL)
        mbedtls_x509_crt_free(f->roots);
    free(f->roots);
    if (f->reader != NULL)
        tsr_store_reader_close(f->reader);
    free(f->trusted.ptr);
    free(f->rv_info.ptr);
    (void)pthread_mutex_destroy(&f->read_lock);
    for (size_t i = 0; i < FDO_LOCKS; i++) {
        (void)pthread_mutex_destroy(&f->making[i]);
        (void)pthread_mutex_destroy(&f->noting[i]);
    }
    free(f);
}
