/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/coap/alone.h"

tsr_coap *c;
uint8_t body[9000];
uint16_t next_mid;

int alone_setup(void **state)
{
    tsr_coap_config config = link_config(0x1234567890abcdef);

    (void)state;
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 31 + i / 251);
    c = link_engine(&config);
    next_mid = 100;
    return 0;
}

int alone_teardown(void **state)
{
    (void)state;
    link_free(c);
    return 0;
}

void with(const tsr_coap_config *config)
{
    link_free(c);
    c = link_engine(config);
}

tsr_coap_id get(const char *path)
{
    tsr_coap_id id = 0;

    assert_int_equal(tsr_coap_request_send(
                         c, 0,
                         &(tsr_coap_request){ .method = TSR_COAP_GET, .path = path, .user = 42 },
                         NOW, &id),
                     TSR_OK);
    return id;
}

void respond(tsr_coap_id ticket, const char *text)
{
    assert_int_equal(tsr_coap_respond(c, ticket,
                                      &(tsr_coap_response){ .code = TSR_COAP_CONTENT,
                                                            .payload = tsr_text(text) },
                                      NOW),
                     TSR_OK);
}

void is_block2(const tsr_coap_msg *m, uint32_t num, bool more, uint8_t szx, size_t len)
{
    assert_int_equal(m->code, TSR_COAP_CONTENT);
    assert_true(m->block2.set);
    assert_int_equal(m->block2.num, num);
    assert_int_equal(m->block2.more, more);
    assert_int_equal(m->block2.szx, szx);
    assert_int_equal(m->payload.len, len);
    assert_memory_equal(m->payload.ptr, body + ((size_t)num << (szx + 4)), len);
}
