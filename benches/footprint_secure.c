/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole secure world for a Cortex-M33: Crypto, ITS, Protected Storage, Initial Attestation and
 * Firmware Update behind one call, with the algorithms of TF-M's profile Medium. It is linked to be
 * measured; the board's flash, entropy and veneer are left open as symbols. */
#include "secure/attest/attest.h"
#include "secure/crypto/pool.h"
#include "secure/crypto/random.h"
#include "secure/crypto/service.h"
#include "secure/fwu/boot.h"
#include "secure/fwu/crypto.h"
#include "secure/fwu/fwu.h"
#include "secure/spm/its_service.h"
#include "secure/spm/platform_service.h"
#include "secure/spm/ps_service.h"
#include "secure/storage/ps.h"

/* What the board gives. */
tsr_err board_read(void *self, uint32_t at, void *data, size_t len);
tsr_err board_program(void *self, uint32_t at, const void *data, size_t len);
tsr_err board_erase(void *self, uint32_t at);
tsr_err board_sync(void *self);
psa_status_t board_seed(void *self, uint8_t *seed, size_t len);
tsr_err board_huk(void *self, uint8_t huk[TSR_ROOT_BYTES]);
tsr_err board_forget(void *self);
tsr_err board_reset(void *self);
tsr_bytes board_boot_record(void);
const uint8_t *board_anchor(void); /* 65 bytes */
psa_status_t board_boot(const tsr_fwu_choice *choice);
int main(void);
psa_status_t secure_call(psa_handle_t handle, tsr_spm_msg *msg);
void secure_gone(uint32_t connection);

enum { KEYS = 16, OPERATIONS = 4, ASSETS = 48, PROTECTED = 24, PS_MAX = 2048, HEAP = 3072 };

#define FLASH(bytes)                                                                              \
    {                                                                                             \
        .read = board_read, .program = board_program, .erase = board_erase, .sync = board_sync,   \
        .size = (bytes), .block = 4096, .unit = 8                                                 \
    }

static const tsr_flash its_flash = FLASH(32768), ps_flash = FLASH(32768), slot_a = FLASH(262144),
                       slot_b = FLASH(262144);
static const tsr_fwu_component component = {
    .name = "firmware",
    .slots = { &slot_a, &slot_b },
    .progress = 65536,
};
static const tsr_root_source source = { .unseal = board_huk, .destroy = board_forget };

static struct {
    tsr_pool_unit heap[HEAP / sizeof(tsr_pool_unit)];
    tsr_pool pool;
    tsr_store its_store, ps_store;
    tsr_store_entry its_index[ASSETS], ps_index[PROTECTED];
    tsr_its its;
    tsr_ps ps;
    tsr_root root;
    tsr_lifecycle lifecycle;
    tsr_platform platform;
    tsr_random random;
    tsr_crypto crypto;
    tsr_crypto_key keys[KEYS];
    tsr_crypto_op ops[OPERATIONS];
    tsr_boot_record boot;
    tsr_attest attest;
    tsr_fwu fwu;
    tsr_fwu_psa fwu_crypto;
    tsr_fwu_anchor anchor;
    /* One call runs at a time, and neither keeps anything here between two. */
    uint8_t work[TSR_FWU_WORK_MIN > PS_MAX + TSR_PS_OVERHEAD ? TSR_FWU_WORK_MIN
                                                              : PS_MAX + TSR_PS_OVERHEAD];
} world;

static const tsr_spm_service services[] = {
    { TSR_PSA_CRYPTO_HANDLE, &world.crypto, tsr_crypto_call, tsr_crypto_gone },
    { TSR_PSA_ITS_HANDLE, &world.its, tsr_its_call, NULL },
    { TSR_PSA_PS_HANDLE, &world.ps, tsr_ps_call, NULL },
    { TSR_PSA_ATTEST_HANDLE, &world.attest, tsr_attest_call, NULL },
    { TSR_PSA_FWU_HANDLE, &world.fwu, tsr_fwu_call, NULL },
    { TSR_PSA_PLATFORM_HANDLE, &world.platform, tsr_platform_call, NULL },
};
static const tsr_spm spm = { services, sizeof services / sizeof *services, tsr_platform_admit,
                             &world.platform };

tsr_crypto *tsr_crypto_here(void) { return &world.crypto; }

tsr_pool *tsr_pool_here(void) { return &world.pool; }

tsr_random *tsr_random_here(void) { return &world.random; }

static bool open_storage(void)
{
    tsr_ps_found found;

    world.random.seed = board_seed;
    world.its = (tsr_its){ .store = &world.its_store, .buffer_max = 65536 };
    world.ps = (tsr_ps){ .its = &world.its,
                         .medium = &world.ps_store,
                         .root = &world.root,
                         .work = world.work,
                         .work_len = sizeof world.work,
                         .buffer_max = 65536 };
    world.crypto = (tsr_crypto){ .its = &world.its,
                                 .keys = world.keys,
                                 .key_count = KEYS,
                                 .ops = world.ops,
                                 .op_count = OPERATIONS,
                                 .keys_each = KEYS,
                                 .ops_each = OPERATIONS,
                                 .persistent_each = ASSETS };
    return tsr_store_mount(&world.its_store, &its_flash, world.its_index, ASSETS, 1024) == TSR_OK &&
           tsr_lifecycle_open(&world.lifecycle, &world.its) == PSA_SUCCESS &&
           tsr_crypto_open(&world.crypto) == PSA_SUCCESS &&
           tsr_root_open(&world.root, &source) == PSA_SUCCESS &&
           tsr_ps_mount(&world.ps_store, &ps_flash, world.ps_index, PROTECTED, PS_MAX, &found) ==
               TSR_OK &&
           tsr_ps_open(&world.ps) == 0;
}

static bool open_rest(void)
{
    tsr_fwu_choice choice[TSR_FWU_COMPONENTS];

    memcpy(world.anchor.point, board_anchor(), sizeof world.anchor.point);
    world.anchor.components = 1;
    tsr_fwu_psa_open(&world.fwu_crypto);
    world.fwu = (tsr_fwu){ .its = &world.its,
                           .components = &component,
                           .count = 1,
                           .anchors = &world.anchor,
                           .anchor_count = 1,
                           .crypto = &world.fwu_crypto.crypto,
                           .work = world.work,
                           .work_len = sizeof world.work,
                           .reboot = board_reset };
    world.attest = (tsr_attest){ .its = &world.its,
                                 .boot = &world.boot,
                                 .lifecycle = &world.lifecycle };
    world.platform = (tsr_platform){ .lifecycle = &world.lifecycle, .maintainers = { -1 } };
    return tsr_boot_record_read(board_boot_record(), &world.boot) == TSR_OK &&
           tsr_attest_open(&world.attest) == PSA_SUCCESS &&
           tsr_fwu_open(&world.fwu) == PSA_SUCCESS &&
           tsr_fwu_boot(&world.fwu, PSA_SUCCESS, choice) == PSA_SUCCESS &&
           board_boot(choice) == PSA_SUCCESS;
}

/* The veneer's far end: the vectors were checked and copied there. */
psa_status_t secure_call(psa_handle_t handle, tsr_spm_msg *msg)
{
    return tsr_spm_call(&spm, handle, msg);
}

void secure_gone(uint32_t connection) { tsr_spm_gone(&spm, connection); }

int main(void)
{
    tsr_pool_open(&world.pool, world.heap, sizeof world.heap / sizeof *world.heap);
    return open_storage() && open_rest() ? 0 : 1;
}
