/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine of FDO: what this device can do, and what it asks its host for. */
#include "apps/tesserad/onboard_life.h"

#include "tessera/net/csr.h"

enum { KEX = 4 };

static tsr_err write_csr(void *user, tsr_buf *der)
{
    const onboard *o = user;

    return tsr_csr_write_der(tsr_fdo_store_device_key(), o->config->endpoint, der);
}

/* Blank: DI. Otherwise the end of TO2, from which on the accounts of the new owner count; or the way
 * back, on which those of the old one go. */
static tsr_err store(void *user, tsr_bytes credential)
{
    onboard *o = user;
    const tsr_fdo_change change = {
        .state = o->store.state == TSR_FDO_STORE_BLANK || o->reselling ? TSR_FDO_STORE_MANUFACTURED
                                                                       : TSR_FDO_STORE_ONBOARDED,
        .credential = credential,
        .new_secret = o->store.state == TSR_FDO_STORE_BLANK,
        .new_accounts = true,
        .accounts = o->reselling ? tsr_view(NULL, 0) : tsr_buf_view(&o->lwm2m.accounts),
    };

    return tsr_fdo_store_commit(&o->store, &change);
}

static void set_devmod(onboard_life *l)
{
    const config *c = l->o.config;

    (void)uname(&l->system);
    l->o.devmod = (tsr_fdo_devmod){
        .os = l->system.sysname, .arch = l->system.machine, .version = l->system.release,
        .device = c->model[0] != '\0' ? c->model : "tessera", .separator = ";",
        .bin = l->system.machine, .serial = c->serial, .path_separator = "/", .new_line = "\n",
        .tmp = "", .dir = "", .program_env = "", .mud_url = "",
    };
}

static void set_how(onboard_life *l)
{
    static const tsr_fdo_kex_method *const kex[KEX] = { &tsr_fdo_ecdh256, &tsr_fdo_ecdh384,
                                                     &tsr_fdo_asymkex2048, &tsr_fdo_asymkex3072 };
    const config *c = l->o.config;
    bool large = c->fdo.bits == 384;
    const char *info = c->fdo.info[0] != '\0' ? c->fdo.info : l->o.devmod.device;

    l->o.how = (tsr_fdo_device_config){
        .device_key = tsr_fdo_store_device_key(),
        .device_alg = large ? TSR_COSE_ES384 : TSR_COSE_ES256,
        .secret = tsr_fdo_store_secret(&l->o.store),
        .mac = large ? TSR_FDO_HMAC384 : TSR_FDO_HMAC256,
        .kex = kex,
        .kex_count = KEX,
        .cipher = large ? &tsr_fdo_a256gcm : &tsr_fdo_a128gcm,
        .random = &tsr_fdo_random_psa,
        .transports = 1u << TSR_FDO_OVER_HTTP | 1u << TSR_FDO_OVER_HTTPS,
        .refuse_reuse = c->fdo.reuse == 0,
        .devmod = &l->o.devmod,
        .modules = l->o.list,
        .module_count = l->o.module_count,
        .made = { .key_type = large ? TSR_FDO_SECP384R1 : TSR_FDO_SECP256R1,
                  .key_encoding = TSR_FDO_X509,
                  .serial = tsr_text(c->serial[0] != '\0' ? c->serial : c->endpoint),
                  .device_info = tsr_text(info) },
        .csr = write_csr,
        .store = store,
        .user = &l->o,
    };
}

tsr_err onboard_engine(onboard_life *l)
{
    const tsr_fdo_buffers buffers = {
        .credential = tsr_buf_over(l->credential, sizeof l->credential),
        .next = tsr_buf_over(l->next, sizeof l->next),
        .redirect = tsr_buf_over(l->redirect, sizeof l->redirect),
        .message = tsr_buf_over(l->message, sizeof l->message),
        .in = tsr_buf_over(l->in, sizeof l->in),
        .out = tsr_buf_over(l->out, sizeof l->out),
        .part = tsr_buf_over(l->part, sizeof l->part),
    };

    onboard_modules(&l->o);
    set_devmod(l);
    set_how(l);
    return tsr_fdo_device_init(&l->o.device, &l->o.how, &buffers, l->o.store.credential);
}
