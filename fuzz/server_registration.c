/* SPDX-License-Identifier: Apache-2.0
 *
 * Any datagram as a Register or Update: what parses has the shape the rest of the server relies on,
 * and its object list is copied and read back as the same list. A second use of the same bytes:
 * rows of the store. */
#include "server/lwm2m/codec.h"
#include "server/lwm2m/registration.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_links(const tsr_link_list *list)
{
    size_t size = tsr_links_size(list->links, list->count);
    char *block = malloc(size ? size : 1), *at = block;

    require(block != NULL);

    const tsr_server_link *copy = tsr_links_copy(list->links, list->count, &at);

    require((size_t)(at - block) == size);
    for (size_t i = 0; i < list->count; i++) {
        require(tsr_lwm2m_path_same(copy[i].path, list->links[i].path));
        require(copy[i].path.depth >= 1 && copy[i].path.depth <= 4);
        require(copy[i].attr_count == list->links[i].attr_count);
        for (size_t k = 0; k < copy[i].attr_count; k++) {
            const tsr_server_attr *a = &copy[i].attrs[k], *b = &list->links[i].attrs[k];

            require(strcmp(a->name, b->name) == 0);
            require((a->value == NULL) == (b->value == NULL));
            require(!a->value || strcmp(a->value, b->value) == 0);
        }
    }
    free(block);
}

static void check_params(const tsr_register_params *p, bool update)
{
    require(!p->has_endpoint || (p->endpoint.len >= 1 && p->endpoint.len <= TSR_ENDPOINT_MAX &&
                                 !memchr(p->endpoint.ptr, 0, p->endpoint.len)));
    require(p->sms.len <= 20);
    require(strlen(p->binding) < sizeof p->binding);
    if (!update)
        require(p->version.len == 3 && (p->has_links || p->has_profile) && p->binding[0]);
}

static void as_message(tsr_bytes in)
{
    tsr_coap_msg msg;
    tsr_register_params p = { 0 };
    const char *why = NULL;

    if (tsr_coap_msg_parse(in, &msg) != TSR_OK)
        return;
    for (int update = 0; update < 2; update++) {
        uint8_t code = tsr_register_parse(&msg, msg.payload, update, &p, &why);

        require(code == 0 || (why && *why && code >= 0x80));
        if (code == 0)
            check_params(&p, update);
    }
}

static void as_links(tsr_bytes in)
{
    tsr_link_list list = { 0 };

    if (tsr_link_list_read(in, NULL, &list) == TSR_OK) {
        require(strlen(list.root) < sizeof list.root);
        check_links(&list);
    }
    tsr_link_list_free(&list);
}

static void as_row(tsr_bytes in)
{
    tsr_server_record records[64];
    tsr_server_event e = { .endpoint = "e" };
    uint8_t room[TSR_EVENT_BODY_MAX];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    if (tsr_get_event(in, &e, records, 64) != TSR_OK)
        return;
    require(e.record_count <= 64 && strlen(e.detail) < in.len);
    tsr_put_event(&out, &e);
    require(out.err == TSR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);

    as_message(in);
    as_links(in);
    as_row(in);
    return 0;
}
