/* SPDX-License-Identifier: Apache-2.0
 *
 * TO1: the rendezvous server tells where the owner is. */
#include "tessera/fdo/device_in.h"

/* FDO 1.1 message.30 */
tsr_err tsr_fdo_begin_to1(tsr_fdo_device *d)
{
    const tsr_fdo_hello_rv h = { d->credential.guid, { d->c->device_alg, { NULL, 0 } } };

    d->sent = TSR_FDO_TO1_HELLO_RV;
    tsr_fdo_hello_rv_write(tsr_fdo_out(d), &h);
    return tsr_fdo_say(d, TSR_FDO_TO1_HELLO_RV);
}

/* FDO 1.1 message.31, FDO 1.1 message.32 */
tsr_err tsr_fdo_on_31(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    const tsr_cose_params p = { .alg = 0 };
    tsr_fdo_eat eat = { .guid = d->credential.guid };
    tsr_fdo_hello_rv h;
    tsr_err err = tsr_fdo_hello_rv_read(in, &h);

    if (err != TSR_OK)
        return err;
    *what = "eBSigInfo is not eASigInfo";
    if (h.sig.type != d->c->device_alg)
        return TSR_E_DENIED;
    *what = "the proof could not be made";
    eat.nonce = h.id;
    return tsr_fdo_prove(d, TSR_FDO_TO1_PROVE_TO_RV, &p, &eat);
}

/* Its signature is the owner's, whose key only TO2 shows: it is kept until then.
 * FDO 1.1 message.33 */
tsr_err tsr_fdo_on_33(tsr_fdo_device *d, tsr_bytes in, const char **what)
{
    tsr_cose_message m;
    tsr_fdo_to1d to1d;
    tsr_err err = tsr_cose_read(in, TSR_COSE_SIGN1, &m);

    if (err == TSR_OK && m.detached)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        err = tsr_fdo_to1d_read(m.payload, &to1d);
    if (err != TSR_OK)
        return err;
    *what = "the redirect is longer than its buffer";
    d->b.redirect.len = 0;
    d->b.redirect.err = TSR_OK;
    tsr_put_bytes(&d->b.redirect, in);
    if (d->b.redirect.err != TSR_OK)
        return d->b.redirect.err;
    *what = "no owner's address that this device can reach";
    if (!tsr_fdo_walk_redirect(d))
        return TSR_E_NOT_FOUND;
    tsr_fdo_tell(d, TSR_FDO_EV_REDIRECT);
    *what = "a message could not be made";
    d->first = true;
    return tsr_fdo_begin_to2(d);
}
