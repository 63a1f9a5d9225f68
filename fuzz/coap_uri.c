/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes: what is taken as a URI can be put into options, each within its bounds and in order,
 * and the URI written from those has the same options. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "tessera/coap/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte in its percent-encoding. */
static void put_encoded(tsr_buf *out, tsr_bytes value)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < value.len; i++) {
        tsr_put_u8(out, '%');
        tsr_put_u8(out, (uint8_t)digits[value.ptr[i] >> 4]);
        tsr_put_u8(out, (uint8_t)digits[value.ptr[i] & 15]);
    }
}

static void put_uri(tsr_buf *out, const tsr_coap_uri *uri, tsr_bytes options)
{
    tsr_coap_opts it = { .rest = options };
    tsr_coap_opt opt;
    char before = '?';

    tsr_put_text(out, "coap://");
    if (uri->literal)
        tsr_put_text(out, "[::1]");
    while (tsr_coap_opt_next(&it, &opt) == TSR_OK) {
        must(opt.value.len <= 255);
        must(opt.number == TSR_COAP_URI_HOST || opt.number == TSR_COAP_URI_PATH ||
             opt.number == TSR_COAP_URI_QUERY);
        if (opt.number == TSR_COAP_URI_PATH)
            tsr_put_u8(out, '/');
        if (opt.number == TSR_COAP_URI_QUERY) {
            tsr_put_u8(out, (uint8_t)before);
            before = '&';
        }
        put_encoded(out, opt.value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t cap = 4 * size + 64;
    uint8_t *room = malloc(3 * cap + 3 * size);
    tsr_buf options = tsr_buf_over(room, cap), again = tsr_buf_over(room + cap, cap);
    tsr_buf text = tsr_buf_over(room + 2 * cap, cap + 3 * size);
    tsr_coap_uri uri, same;
    uint16_t last = 0, last_again = 0;

    if (tsr_coap_uri_parse(tsr_view(data, size), &uri) == TSR_OK) {
        must(uri.scheme.len + uri.host.len + uri.path.len + uri.query.len < size);
        tsr_coap_put_uri(&options, &last, &uri);
        must(options.err == TSR_OK);
        put_uri(&text, &uri, tsr_buf_view(&options));
        must(text.err == TSR_OK);
        must(tsr_coap_uri_parse(tsr_buf_view(&text), &same) == TSR_OK);
        tsr_coap_put_uri(&again, &last_again, &same);
        must(tsr_same(tsr_buf_view(&options), tsr_buf_view(&again)));
    }
    free(room);
    return 0;
}
