/* SPDX-License-Identifier: Apache-2.0
 *
 * DI: the device gets its credential from its manufacturer. */
#include "tessera/fdo/device_in.h"

/* FDO 1.1 message.10 */
tsr_err tsr_fdo_device_begin_di(tsr_fdo_device *d)
{
    tsr_fdo_mfg_info info = d->c->made;
    tsr_buf csr = d->b.in;
    tsr_err err;

    if (d->state != TSR_FDO_IDLE)
        return TSR_E_STATE;
    csr.len = 0;
    csr.err = TSR_OK;
    err = d->c->csr(d->c->user, &csr);
    if (err != TSR_OK)
        return err;
    info.csr = tsr_buf_view(&csr);
    tsr_fdo_app_start_write(tsr_fdo_out(d), &info);
    err = tsr_fdo_say(d, TSR_FDO_DI_APP_START);
    if (err == TSR_OK) {
        d->state = TSR_FDO_RUNS;
        d->first = true;
    }
    return err;
}

tsr_err tsr_fdo_make_credential(tsr_fdo_device *d, const tsr_fdo_credential *like,
                                const tsr_fdo_key *owner, int32_t hash)
{
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_credential c = *like;
    tsr_err err = tsr_fdo_hash_make(hash, &owner->encoded, 1, room, &c.key_hash);

    if (err != TSR_OK)
        return err;
    c.key_type = owner->type;
    c.key_bits = owner->bits;
    d->b.next.len = 0;
    d->b.next.err = TSR_OK;
    tsr_fdo_credential_write(&d->b.next, &c);
    return d->b.next.err;
}

/* FDO 1.1 message.11, FDO 1.1 message.12 */
tsr_err tsr_fdo_on_11(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    uint8_t room[TSR_FDO_HASH_MAX];
    tsr_fdo_ov_header h;
    tsr_fdo_hash hmac;
    tsr_bytes header;
    size_t directives = 0;
    tsr_err err = tsr_fdo_set_credentials_read(in, &header);

    if (err == TSR_OK)
        err = tsr_fdo_ov_header_read(header, &h);
    if (err == TSR_OK)
        err = tsr_fdo_rv_check(h.rv_info, &directives);
    if (err != TSR_OK)
        return err;
    *what = "RendezvousInfo or DeviceInfo is empty";
    if (directives == 0 || h.device_info.len == 0)
        return TSR_E_DENIED;
    *what = "credential or its HMAC could not be made";
    err = tsr_fdo_mac_make(d->c->mac, d->c->secret, header, room, &hmac);
    if (err == TSR_OK) {
        const tsr_fdo_credential c = {
            .active = true, .device_info = h.device_info, .guid = h.guid, .rv_info = h.rv_info
        };

        err = tsr_fdo_make_credential(d, &c, &h.manufacturer,
                                      d->c->mac == TSR_FDO_HMAC384 ? TSR_FDO_SHA384
                                                                   : TSR_FDO_SHA256);
    }
    if (err != TSR_OK)
        return err;
    tsr_fdo_set_hmac_write(tsr_fdo_out(d), &hmac);
    return tsr_fdo_say(d, TSR_FDO_DI_SET_HMAC);
}

/* FDO 1.1 message.13 */
tsr_err tsr_fdo_on_13(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    tsr_err err = tsr_fdo_empty_read(in);

    if (err != TSR_OK)
        return err;
    *what = "the credential could not be stored";
    err = tsr_fdo_replace(d);
    if (err == TSR_OK)
        tsr_fdo_finished(d, TSR_FDO_EV_MADE);
    return err;
}
