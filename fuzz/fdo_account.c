/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as accounts that an owner hands over: what is taken can be kept, and read again as the
 * same; its key is not among what is kept. */
#include "fuzz/fuzz.h"
#include "ports/linux/fdo/account.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same(const tsr_fdo_account *a, const tsr_fdo_account *b)
{
    must(a->bootstrap == b->bootstrap && a->short_id == b->short_id && a->mode == b->mode);
    must(a->usage == b->usage && a->lifetime_s == b->lifetime_s && a->key_id == b->key_id);
    must(tsr_same(a->uri, b->uri) && tsr_same(a->server_name, b->server_name));
    must(tsr_same(a->endpoint, b->endpoint) && tsr_same(a->identity, b->identity));
    must(tsr_same(a->certificate, b->certificate));
    must(tsr_same(a->server_certificate, b->server_certificate));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    uint8_t *room = malloc(size + 256);
    tsr_fdo_account a, b;

    while (tsr_fdo_account_get(&in, &a) == TSR_OK) {
        tsr_buf out = tsr_buf_over(room, size + 256);
        tsr_bytes again;

        tsr_fdo_account_put(&out, &a);
        must(out.err == TSR_OK);
        again = tsr_buf_view(&out);
        must(tsr_fdo_account_get(&again, &b) == TSR_OK && again.len == 0);
        must(b.key.len == 0);
        must_be_same(&a, &b);
        (void)tsr_fdo_account_lacks(&a);
    }
    free(room);
    return 0;
}
