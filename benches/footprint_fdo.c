/* SPDX-License-Identifier: Apache-2.0
 *
 * A device of FIDO Device Onboard without its host: what the engine, COSE and CBOR take in flash
 * with ECDH256 and AES-CCM-64-128-128, and the engine in RAM. The functions of PSA stay open. */
#include "tessera/fdo/device.h"

int main(void);

/* The board's part: storage, and what carries the messages. */
extern const tsr_fdo_devmod board_facts;
extern const tsr_fdo_module *const board_modules[1];
tsr_err board_csr(void *user, tsr_buf *der);
tsr_err board_store(void *user, tsr_bytes credential);
extern const tsr_fdo_buffers board_buffers;
tsr_bytes board_answer(const tsr_fdo_send *send, const tsr_fdo_event *event, uint64_t *now_ms);

static const tsr_fdo_kex_method *const kex[] = { &tsr_fdo_ecdh256 };
static const tsr_fdo_device_config board = {
    .device_key = 1,
    .device_alg = TSR_COSE_ES256,
    .secret = 2,
    .mac = TSR_FDO_HMAC256,
    .kex = kex,
    .kex_count = 1,
    .cipher = &tsr_fdo_ccm_64_128_128,
    .random = &tsr_fdo_random_psa,
    .transports = 1u << TSR_FDO_OVER_HTTP,
    .devmod = &board_facts,
    .modules = board_modules,
    .module_count = 1,
    .csr = board_csr,
    .store = board_store,
};

tsr_fdo_device each; /* measured by this name */

int main(void)
{
    tsr_fdo_event event = { .what = "" };
    tsr_fdo_send send = { .type = 0 };
    uint64_t now_ms = 0;
    tsr_bytes in = board_answer(&send, &event, &now_ms);

    (void)tsr_fdo_device_init(&each, &board, &board_buffers, in);
    (void)tsr_fdo_device_begin_di(&each);
    (void)tsr_fdo_device_begin(&each, now_ms);
    (void)tsr_fdo_device_resell(&each);
    for (;;) {
        while (tsr_fdo_device_poll(&each, now_ms, &send) == TSR_OK) {
            in = board_answer(&send, &event, &now_ms);
            if (in.len == 0)
                tsr_fdo_device_lost(&each, now_ms);
            else
                (void)tsr_fdo_device_feed(&each, (uint8_t)(send.type + 1), in, now_ms);
        }
        (void)tsr_fdo_device_event(&each, &event);
        now_ms = tsr_fdo_device_due(&each);
        if (tsr_fdo_device_idle(&each))
            tsr_fdo_device_stop(&each);
    }
}
