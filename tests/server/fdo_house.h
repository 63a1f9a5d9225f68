/* SPDX-License-Identifier: Apache-2.0
 *
 * A service of FIDO Device Onboard without a port, on a store of its own, for unit tests and fuzzers. The
 * key and the certificate were made for this file and open nothing. */
#ifndef TESTS_SERVER_FDO_HOUSE_H
#define TESTS_SERVER_FDO_HOUSE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/fdo/service.h"

static const char fdo_house_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKEukK8zqW2s70kZ+\n"
    "QrNhHLEaDkzN4vpbj6l+/ylgIeahRANCAATp7GPu/jSLtQskCNYGI5l7ygTIsf7c\n"
    "/bRQMft5s0v4/Y0BSQGVjwBbjMFmM9EXI5KbN41XkBTt2Cfg1HVTYyWm\n"
    "-----END PRIVATE KEY-----\n";
static const char fdo_house_ca[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBiTCCAS+gAwIBAgIUKKMrSELNoWJH61J6Q6m+42IU+7owCgYIKoZIzj0EAwIw\n"
    "GTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIzMDc0NjM5WhgPMjEy\n"
    "NjEwMzAwNzQ2MzlaMBkxFzAVBgNVBAMMDnRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI\n"
    "zj0CAQYIKoZIzj0DAQcDQgAE6exj7v40i7ULJAjWBiOZe8oEyLH+3P20UDH7ebNL\n"
    "+P2NAUkBlY8AW4zBZjPRFyOSmzeNV5AU7dgn4NR1U2MlpqNTMFEwHQYDVR0OBBYE\n"
    "FAHVfuhZBKkUD/J63TaA/bXEjHw3MB8GA1UdIwQYMBaAFAHVfuhZBKkUD/J63TaA\n"
    "/bXEjHw3MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAP9RqPRv\n"
    "ClLRCJnRiBOxkQlzm6EjwkucS0ydSlUu0e+nAiBqMR/PwL7BfiW7Fd0HOGvveR0X\n"
    "57pyl9yMb5CZo9QMvA==\n"
    "-----END CERTIFICATE-----\n";

typedef struct {
    char folder[64], key[96], ca[96];
    tsr_store *store;
    tsr_fdo *fdo;
} fdo_house;

static inline bool fdo_house_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    return f != NULL && fputs(text, f) >= 0 && fclose(f) == 0;
}

/* All three roles, one P-256 key for maker, owner and authority. */
static inline bool fdo_house_open(fdo_house *h, uint32_t sessions, uint32_t rate)
{
    char why[400] = "";
    tsr_fdo_config c = { .roles = TSR_FDO_MANUFACTURER | TSR_FDO_RENDEZVOUS | TSR_FDO_OWNER,
                         .manufacturer_key_count = 1, .owner_key_count = 1, .any_owner = true,
                         .rendezvous = { "http://127.0.0.1:9" }, .rendezvous_count = 1,
                         .next_owner = "own", .sessions = sessions, .rate = rate };

    (void)snprintf(h->folder, sizeof h->folder, "/dev/shm/tessera-fdo-XXXXXX");
    if (mkdtemp(h->folder) == NULL)
        return false;
    (void)snprintf(h->key, sizeof h->key, "%s/key.pem", h->folder);
    (void)snprintf(h->ca, sizeof h->ca, "%s/ca.pem", h->folder);
    if (!fdo_house_file(h->key, fdo_house_key) || !fdo_house_file(h->ca, fdo_house_ca))
        return false;
    c.manufacturer_keys[0] = c.owner_keys[0] = c.device_ca_key = h->key;
    c.device_ca = h->ca;
    /* No row waits for others to be committed with. */
    if (tsr_store_open_sqlite(&(tsr_store_config){ .directory = h->folder, .batch_rows = 1 }, &h->store, why,
                              sizeof why) != TSR_OK) {
        (void)fprintf(stderr, "%s\n", why);
        return false;
    }
    c.store = h->store;
    if (tsr_fdo_open_bare(&c, &h->fdo, why, sizeof why) == TSR_OK)
        return true;
    (void)fprintf(stderr, "%s\n", why);
    return false;
}

static inline void fdo_house_close(fdo_house *h)
{
    char command[128];

    tsr_fdo_close(h->fdo);
    tsr_store_close(h->store);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", h->folder);
    (void)!system(command);
}

/* The same as setup and teardown of a test of cmocka. */
static inline int fdo_house_enter(void **state)
{
    fdo_house *h = calloc(1, sizeof *h);

    *state = h;
    return h != NULL && fdo_house_open(h, 100, 1000) ? 0 : -1;
}

static inline int fdo_house_leave(void **state)
{
    fdo_house_close(*state);
    free(*state);
    return 0;
}

#endif
