/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo-device-host 256|384 URL KEX CIPHER TYPE ENCODING: a blank device with the engine and the carrier of tesserad
 * and all key exchanges and cipher suites, keys in the process. It is made by the manufacturer at URL, for
 * a voucher with keys of that type and encoding, and finds its owner. Says what it did; 1 at the first
 * failure. Numbers are FDO's, of ciphers COSE's. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/linux/fdo/carrier.h"
#include "ports/linux/host/system.h"
#include "tests/fdohost/plain_device.h"

enum { WAIT_MS = 30000, SMALL = 2048, LARGE = 8192 };

static tsr_carrier carrier;
static tsr_fdo_device device;
static tsr_fdo_device_config config;
static const char *manufacturer;

_Noreturn static void give_up(const char *what)
{
    (void)fprintf(stderr, "fdo-device-host: %s\n", what);
    exit(1);
}

static uint8_t number(const char *text)
{
    uint32_t n = 0;

    if (tsr_dec_upto(tsr_text(text), UINT8_MAX, &n) != TSR_OK)
        give_up("an argument that is no number");
    return (uint8_t)n;
}

static void configure(bool large, char **how)
{
    static const tsr_fdo_kex_method *kex;

    if (!plain_device(&config, large))
        give_up("its keys could not be made");
    kex = tsr_fdo_kex_find(tsr_text(how[0]));
    config.kex = &kex;
    config.kex_count = 1;
    config.cipher = tsr_fdo_cipher_find(strtoll(how[1], NULL, 10));
    config.made.key_type = (tsr_fdo_key_type)number(how[2]);
    config.made.key_encoding = (tsr_fdo_key_encoding)number(how[3]);
    if (kex == NULL || config.cipher == NULL)
        give_up("no such key exchange or cipher suite");
}

static void open_device(void)
{
    static uint8_t credential[SMALL], next[SMALL], redirect[SMALL], message[LARGE], in[LARGE],
        out[LARGE];
    const tsr_fdo_buffers b = {
        tsr_buf_over(credential, SMALL), tsr_buf_over(next, SMALL), tsr_buf_over(redirect, SMALL),
        tsr_buf_over(message, LARGE),    tsr_buf_over(in, LARGE),   tsr_buf_over(out, LARGE - 128),
        { .len = 0 },
    };

    if (tsr_fdo_device_init(&device, &config, &b, tsr_view(NULL, 0)) != TSR_OK)
        give_up("the engine could not be made");
}

static tsr_err find_place(const tsr_fdo_target *to, tsr_carrier_place *place)
{
    if (to == NULL)
        return tsr_carrier_place_url(place, tsr_text(manufacturer));
    return to->dns.ptr != NULL ? tsr_carrier_place_dns(place, to->dns, to->port)
                               : tsr_carrier_place_ip(place, to->ip, to->port);
}

static void carry(const tsr_fdo_send *send)
{
    tsr_carrier_place place;
    tsr_err err = find_place(send->to, &place);

    carrier.cause = "no address that can be used";
    if (err == TSR_OK)
        err = tsr_carrier_send(&carrier, &place, send->type, send->first, send->body,
                               tsr_host_now_ms());
    while (err == TSR_OK && (err = tsr_carrier_next(&carrier, tsr_host_now_ms())) == TSR_END) {
        struct pollfd fd = { tsr_fetch_fd(&carrier.fetch), tsr_fetch_watches(&carrier.fetch), 0 };

        (void)poll(&fd, 1, WAIT_MS);
        err = TSR_OK;
    }
    if (err != TSR_OK)
        give_up(carrier.cause != NULL ? carrier.cause : tsr_err_name(err));
    (void)tsr_fdo_device_feed(&device, carrier.type, tsr_view(carrier.body, carrier.len),
                              tsr_host_now_ms());
}

/* True: there was one. */
static bool tell(tsr_fdo_event *e)
{
    if (!tsr_fdo_device_event(&device, e))
        return false;
    if (e->kind == TSR_FDO_EV_FAILED) {
        (void)fprintf(stderr, "fdo-device-host: message %u, code %u: %s\n", e->message, e->code, e->what);
        exit(1);
    }
    if (e->kind == TSR_FDO_EV_MADE && tsr_fdo_device_begin(&device, tsr_host_now_ms()) != TSR_OK)
        give_up("nowhere to find an owner");
    return true;
}

static void live(void)
{
    tsr_fdo_event e = { .kind = TSR_FDO_EV_MADE };
    tsr_fdo_send send;

    while (e.kind != TSR_FDO_EV_ONBOARDED) {
        if (tsr_fdo_device_poll(&device, tsr_host_now_ms(), &send) == TSR_OK)
            carry(&send);
        else if (!tell(&e))
            give_up("it neither sends nor ends"); /* it waits after a failure alone */
    }
}

int main(int argc, char **argv)
{
    if (argc != 7)
        give_up("usage: 256|384 URL KEX CIPHER TYPE ENCODING");
    if (psa_crypto_init() != PSA_SUCCESS)
        give_up("no PSA");
    manufacturer = argv[2];
    tsr_carrier_init(&carrier, WAIT_MS, NULL, 0);
    configure(strcmp(argv[1], "384") == 0, argv + 3);
    open_device();
    if (tsr_fdo_device_begin_di(&device) != TSR_OK)
        give_up("DI could not begin");
    live();
    tsr_carrier_end(&carrier);
    (void)printf("onboarded\n");
    return 0;
}
