/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /fdo/101/msg/N, from libmicrohttpd's callbacks to tsr_fdo_message. */
#define _GNU_SOURCE
#include "server/fdo/front.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/rest/listen.h"
#include "server/rest/room.h"

enum {
    CONNECTIONS = 1024,
    MEMORY = 32 * 1024, /* of one connection: request line and header fields */
};

typedef struct {
    uint8_t type;
    bool begun, too_large;
    unsigned status; /* of a request that is none; 0: it is one */
    tsr_buf body;
} request;

/* The number of the message; 0: another path. */
static unsigned message_of(const char *url)
{
    static const char base[] = "/fdo/101/msg/";
    uint64_t n = 0;

    if (strncmp(url, base, sizeof base - 1) != 0 ||
        tsr_dec(tsr_text(url + sizeof base - 1), &n) != TSR_OK || n > UINT8_MAX)
        return 0;
    return (unsigned)n;
}

static void begin(request *r, const tsr_fdo *f, const char *url, const char *method,
                  struct MHD_Connection *connection)
{
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t n = 0;

    r->begun = true;
    r->type = (uint8_t)message_of(url);
    if (r->type == 0)
        r->status = MHD_HTTP_NOT_FOUND;
    else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        r->status = MHD_HTTP_METHOD_NOT_ALLOWED;
    else if (length != NULL && (tsr_dec(tsr_text(length), &n) != TSR_OK || n > f->config.message_max))
        r->status = MHD_HTTP_CONTENT_TOO_LARGE;
}

static void take(request *r, const tsr_fdo *f, tsr_bytes piece)
{
    if (r->status != 0)
        return;
    if (piece.len > f->config.message_max - r->body.len) {
        r->status = MHD_HTTP_CONTENT_TOO_LARGE;
        return;
    }
    rest_room(&r->body, piece.len);
    tsr_put_bytes(&r->body, piece);
}

static enum MHD_Result give(struct MHD_Connection *connection, unsigned status,
                            const tsr_fdo_answer *a)
{
    char number[8], bearer[64];
    struct MHD_Response *out = MHD_create_response_from_buffer(
        a != NULL ? a->body.len : 0, a != NULL ? a->body.ptr : NULL,
        a != NULL && a->body.ptr != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    enum MHD_Result sent;

    if (out == NULL) {
        if (a != NULL)
            free(a->body.ptr);
        return MHD_NO;
    }
    if (a != NULL && a->type != 0) {
        (void)snprintf(number, sizeof number, "%u", a->type);
        (void)MHD_add_response_header(out, "Message-Type", number);
        (void)MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, "application/cbor");
    }
    if (a != NULL && a->token[0] != 0) {
        (void)snprintf(bearer, sizeof bearer, "Bearer %s", a->token);
        (void)MHD_add_response_header(out, MHD_HTTP_HEADER_AUTHORIZATION, bearer);
    }
    (void)MHD_add_response_header(out, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    sent = MHD_queue_response(connection, status, out);
    MHD_destroy_response(out);
    return sent;
}

static enum MHD_Result answer(tsr_fdo *f, struct MHD_Connection *connection, request *r)
{
    const char *header =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    char peer[REST_PEER_TEXT];
    tsr_fdo_answer a;

    if (r->status == 0 && r->body.err != TSR_OK)
        r->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    if (r->status != 0)
        return give(connection, r->status, NULL);
    if (header != NULL && strncmp(header, "Bearer ", 7) == 0)
        header += 7;
    tsr_fdo_message_from(f, rest_peer(connection, peer), r->type, header, tsr_buf_view(&r->body), &a);
    return give(connection,
                a.type == UINT8_MAX ? MHD_HTTP_INTERNAL_SERVER_ERROR : MHD_HTTP_OK, &a);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **con_cls)
{
    request *r = *con_cls;

    (void)version;
    if (r == NULL) {
        *con_cls = r = calloc(1, sizeof *r);
        if (r == NULL)
            return MHD_NO;
        begin(r, cls, url, method, connection);
        /* Refused before its body is read: the connection closes. */
        return r->status == MHD_HTTP_CONTENT_TOO_LARGE ? give(connection, r->status, NULL)
                                                       : MHD_YES;
    }
    if (*upload_len > 0) {
        take(r, cls, tsr_view(upload, *upload_len));
        *upload_len = 0;
        return MHD_YES;
    }
    return answer(cls, connection, r);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                         enum MHD_RequestTerminationCode code)
{
    request *r = *con_cls;

    (void)cls;
    (void)connection;
    (void)code;
    if (r == NULL)
        return;
    rest_wipe(&r->body);
    free(r);
    *con_cls = NULL;
}

tsr_err fdo_front_open(tsr_fdo *f, char *why, size_t why_cap)
{
    const struct MHD_OptionItem more[] = {
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    rest_place place;
    tsr_err err = rest_place_parse(f->config.bind, f->config.port, &place, why, why_cap);

    if (err != TSR_OK)
        return err;
    f->daemon = rest_listen(&place, 0, CONNECTIONS, MEMORY, on_request, f, more, why, why_cap);
    return f->daemon != NULL ? TSR_OK : TSR_E_IO;
}

void fdo_front_close(tsr_fdo *f)
{
    if (f->daemon != NULL)
        MHD_stop_daemon(f->daemon);
    f->daemon = NULL;
}

uint16_t tsr_fdo_port(const tsr_fdo *f) { return rest_listen_port(f->daemon); }
