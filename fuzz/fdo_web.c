/* SPDX-License-Identifier: Apache-2.0
 *
 * A web server that says anything, in pieces and with redirections, to what a Linux device fetches: the
 * module fdo.wget, told by an owner who says anything too; or (first byte odd) the carrier of FDO's own messages,
 * whose connections are kept. Real sockets on the loopback, and no others: names do not resolve, other
 * addresses refuse. https goes over a layer of this file, which fails where the server says so; TLS itself has
 * fuzzers of its own (tls_stream). The input is a row of steps: what, length, bytes.
 *
 * Every URL gets one answer, in time; what was not wholly fetched is not there; what starts with https ends with
 * it; a request has the lines that were meant and no more, whatever stood in URLs, fields and tokens. */
#include "fuzz/fdo_folder.h"
#include "ports/linux/fdo/carrier.h"
#include "ports/linux/fdo/info.h"
#include "ports/linux/host/log.h"
#include "tessera/cbor/cbor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DOORS = 2, PLACES = 6, MASK = 0x55, WAIT_MS = 20000 };

static folder here;
static tsr_info_bounds bounds;
static int doors[DOORS];
static uint16_t ports[DOORS];
static char places[PLACES][32];
static unsigned connects, pending; /* pending: on their way to a door, not let in yet */

/* ---- no network but this one: see the linker's --wrap in ports/linux/fdo ---- */

int __real_connect(int fd, const struct sockaddr *to, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len);
int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list);

int __wrap_connect(int fd, const struct sockaddr *to, socklen_t len)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)to;

    connects++;
    if (to->sa_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
        (in->sin_port == htons(ports[0]) || in->sin_port == htons(ports[1]))) {
        int result = __real_connect(fd, to, len);

        pending += result == 0 || errno == EINPROGRESS;
        return result;
    }
    errno = ECONNREFUSED;
    return -1;
}

int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list)
{
    struct addrinfo numeric = *hints;

    numeric.ai_flags |= AI_NUMERICHOST;
    return __real_getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &numeric, list);
}

/* ---- the layer of https: 'h' and 'U' are its handshake, then every byte is masked ---- */

static struct {
    bool hello, up;
    uint64_t give_up_ms;
} layer;

static tsr_err layer_begin(void *self, tsr_bytes host, uint64_t now_ms)
{
    (void)self;
    must(host.len != 0);
    layer.hello = layer.up = false;
    layer.give_up_ms = now_ms + 5000;
    return TSR_OK;
}

static tsr_err layer_take(void *self, tsr_bytes *in, tsr_buf *plain, uint64_t now_ms)
{
    (void)self, (void)now_ms;
    for (; in->len != 0 && plain->len < plain->cap; *in = tsr_skip(*in, 1)) {
        uint8_t c = in->ptr[0];

        if (c == 0xfe)
            return TSR_E_STATE;
        if (c == 0xff || (!layer.up && c != 'U'))
            return TSR_E_DENIED;
        if (layer.up)
            tsr_put_u8(plain, c ^ MASK);
        layer.up = true;
    }
    return plain->len != 0 ? TSR_OK : TSR_END;
}

static tsr_err layer_poll(void *self, tsr_buf *out, uint64_t now_ms)
{
    (void)self;
    if (!layer.up && now_ms >= layer.give_up_ms)
        return TSR_E_DENIED;
    if (layer.hello)
        return TSR_END;
    layer.hello = true;
    tsr_put_u8(out, 'h');
    return out->err;
}

static tsr_err layer_send(void *self, tsr_bytes plain, tsr_buf *out)
{
    (void)self;
    must(layer.up && plain.len <= TSR_FETCH_PLAIN);
    for (size_t i = 0; i < plain.len; i++)
        tsr_put_u8(out, plain.ptr[i] ^ MASK);
    return out->err;
}

static bool layer_is_up(const void *self)
{
    (void)self;
    return layer.up;
}

static uint64_t layer_due_ms(const void *self)
{
    (void)self;
    return layer.up ? UINT64_MAX : layer.give_up_ms;
}

static void layer_end(void *self, tsr_buf *out)
{
    (void)self;
    if (out != NULL && layer.up)
        tsr_put_u8(out, 0xfe);
    layer.up = false;
}

static const char *layer_cause(const void *self)
{
    (void)self;
    return "the layer says no";
}

static const tsr_fetch_layer masked = { layer_begin, layer_take, layer_poll, layer_send, layer_is_up,
                                        layer_due_ms, layer_end, layer_cause };

/* ---- the server ---- */

static struct {
    int fd;
    bool fresh, secure;
    size_t len; /* of what it was asked and not answered yet */
    char asked[8192];
} peer;

static bool carries; /* what the requests are of */

static void hang_up(void)
{
    if (peer.fd >= 0)
        (void)close(peer.fd);
    peer.fd = -1;
    peer.len = 0;
    peer.secure = false;
}

static void let_in(void)
{
    for (int i = 0; i < DOORS; i++) {
        int fd = accept4(doors[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            continue;
        pending -= pending != 0;
        hang_up();
        peer.fd = fd;
        peer.fresh = true;
    }
}

/* On a busy machine a connection may arrive after the input that made it, and would be taken for one of the next. */
static void let_all_in(void)
{
    struct pollfd at[DOORS];

    for (int i = 0; i < DOORS; i++)
        at[i] = (struct pollfd){ .fd = doors[i], .events = POLLIN };
    while (pending != 0 && poll(at, DOORS, 100) > 0)
        let_in();
    pending = 0; /* what was taken back on its way never comes */
    hang_up();
}

/* fdo.wget: GET, Host, Connection. A message: POST, Host, Content-Type, perhaps Authorization, Content-Length. */
static void look_at_request(void)
{
    const char *end;
    unsigned lines = 0;

    peer.asked[peer.len] = '\0';
    end = strstr(peer.asked, "\r\n\r\n");
    if (end == NULL)
        return;
    must(strncmp(peer.asked, carries ? "POST /" : "GET /", carries ? 6 : 5) == 0);
    for (const char *c = peer.asked; c < end + 2; c++) {
        must(*c == '\r' ? c[1] == '\n' : *c == '\n' ? c[-1] == '\r' : (uint8_t)*c >= ' ' || *c == '\t');
        lines += *c == '\n';
    }
    must(carries ? lines == 4 || lines == 5 : lines == 3);
    must(strstr(peer.asked, "\r\nHost: ") != NULL);
    peer.fresh = false;
    peer.len = 0;
}

static void listen_to_request(void)
{
    uint8_t room[4096];
    ssize_t n;

    if (peer.fd < 0)
        return;
    while ((n = recv(peer.fd, room, sizeof room, 0)) > 0) {
        size_t at = 0;

        if (peer.fresh && peer.len == 0 && !peer.secure && room[0] == 'h') {
            peer.secure = true;
            at = 1;
        }
        for (; at < (size_t)n && peer.len < sizeof peer.asked - 1; at++)
            peer.asked[peer.len++] = (char)(peer.secure ? room[at] ^ MASK : room[at]);
        if (peer.fresh)
            look_at_request();
    }
}

static void say(tsr_bytes what)
{
    uint8_t room[6000];
    tsr_buf out = tsr_buf_over(room, sizeof room);

    if (peer.fd < 0)
        return;
    if (peer.secure && !layer.up)
        tsr_put_u8(&out, 'U');
    for (size_t i = 0; i < what.len; i++)
        tsr_put_u8(&out, peer.secure ? what.ptr[i] ^ MASK : what.ptr[i]);
    if (out.err == TSR_OK)
        (void)!send(peer.fd, room, out.len, MSG_NOSIGNAL);
}

/* The scheme, a place and what follows it. */
static void put_url(tsr_buf *out, tsr_bytes *in)
{
    uint8_t what = take(in);

    if (what & 0x40) { /* all of it is the input's */
        tsr_put_bytes(out, *in);
        return;
    }
    tsr_put_text(out, what & 0x20 ? "//" : what & 0x10 ? "https://" : "http://");
    tsr_put_text(out, places[(what & 15) % PLACES]);
    tsr_put_bytes(out, *in);
}

static void redirect(tsr_bytes in)
{
    static const char *const status[] = { "301", "302", "303", "307", "308", "300", "304", "200" };
    uint8_t room[4000], which = take(&in);
    tsr_buf out = tsr_buf_over(room, sizeof room);

    tsr_put_text(&out, "HTTP/1.1 ");
    tsr_put_text(&out, status[which & 7]);
    tsr_put_text(&out, " go\r\nLocation: ");
    put_url(&out, &in);
    tsr_put_text(&out, which & 8 ? "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" : "\r\nContent-Length: 0\r\n\r\n");
    say(tsr_buf_view(&out));
}

/* All of it, or with a length that is longer or shorter. */
static void answer(tsr_bytes in)
{
    uint8_t how = take(&in);
    char head[200];
    size_t len = in.len + (how & 3) - (in.len != 0 && how & 4 ? 1 : 0);

    (void)snprintf(head, sizeof head, "HTTP/1.1 %s OK\r\n%s%s", how & 8 ? "500" : "200",
                   how & 16 ? "Message-Type: 61\r\n" : "", how & 32 ? "Authorization: token\r\n" : "");
    say(tsr_text(head));
    if (how & 64)
        (void)snprintf(head, sizeof head, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", len);
    else
        (void)snprintf(head, sizeof head, "Content-Length: %zu\r\n\r\n", len);
    say(tsr_text(head));
    say(in);
    if (how & 64)
        say(tsr_text("\r\n0\r\n\r\n"));
}

static void close_as(uint8_t how)
{
    const struct linger reset = { .l_onoff = 1 };

    if (peer.fd < 0)
        return;
    if (peer.secure && how & 1)
        (void)!send(peer.fd, "\xfe", 1, MSG_NOSIGNAL);
    if (how & 2)
        (void)setsockopt(peer.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (how & 4)
        (void)shutdown(peer.fd, SHUT_WR);
    else
        hang_up();
}

static bool server_step(uint8_t what, tsr_bytes in)
{
    switch (what) {
    case 0: say(in); return true;
    case 1: redirect(in); return true;
    case 2: answer(in); return true;
    case 3: close_as(take(&in)); return true;
    default: return false;
    }
}

/* ---- fdo.wget ---- */

static struct {
    tsr_info_wget wget;
    tsr_info info;
    unsigned urls, answers, files;
    bool began_secure, over;
} m;

/* There is a file of that length, and with that hash if one was told. */
static bool lies_there(const char *where, uint64_t len, tsr_bytes sha384)
{
    char name[256], path[600];
    uint8_t content[FDO_FILE_MAX + 1], hash[TSR_BENEATH_SHA384];
    bool found = false;
    size_t n;
    DIR *dir;

    folder_path(&here, where, name);
    dir = opendir(name);
    must(dir != NULL);
    for (const struct dirent *e = readdir(dir); e != NULL && !found; e = readdir(dir)) {
        FILE *f = NULL;

        (void)snprintf(path, sizeof path, "%s/%s", name, e->d_name);
        if (e->d_type == DT_REG)
            f = fopen(path, "rb");
        if (f == NULL)
            continue;
        n = fread(content, 1, sizeof content, f);
        (void)fclose(f);
        must(psa_hash_compute(PSA_ALG_SHA_384, content, n, hash, sizeof hash, &(size_t){ 0 }) == PSA_SUCCESS);
        found = n == len && (sha384.len == 0 || tsr_same(sha384, tsr_view(hash, sizeof hash)));
    }
    (void)closedir(dir);
    return found;
}

static void heard(const char *message, tsr_bytes value, tsr_bytes sha384)
{
    tsr_bytes text;
    uint64_t n = 0;

    m.answers++;
    must(m.answers <= m.urls);
    if (strcmp(message, "error") == 0) {
        must(tsr_cbor_get_text(&value, &text) == TSR_OK && text.len != 0 && value.len == 0);
        return;
    }
    must(strcmp(message, "done") == 0 && tsr_cbor_get_uint(&value, &n) == TSR_OK && value.len == 0);
    must(n <= FDO_FILE_MAX && (lies_there("root", n, sha384) || lies_there("root/sub", n, sha384)));
    m.files++;
}

static void hear(size_t room_len, uint64_t now_ms)
{
    uint8_t room[200], hash[TSR_BENEATH_SHA384];
    tsr_buf value = tsr_buf_over(room, room_len);
    bool hashed = m.wget.has_hash;
    const char *message = NULL;
    short events;
    uint64_t due;
    tsr_err err;
    int fd;

    memcpy(hash, m.wget.sha384, sizeof hash);
    err = m.info.give(m.info.self, &message, &value, now_ms);
    must(err == TSR_OK || err == TSR_END || err == TSR_E_SPACE);
    if (err == TSR_OK)
        heard(message, tsr_buf_view(&value), tsr_view(hash, hashed ? sizeof hash : 0));
    due = m.info.due_ms(m.info.self, &fd, &events, now_ms);
    if (m.wget.running) {
        must(fd >= 0 && events != 0 && due <= m.wget.give_up_ms && now_ms < m.wget.give_up_ms);
        must(m.wget.fetch.secure || !m.began_secure);
    } else {
        must(fd < 0 && due == UINT64_MAX && !tsr_beneath_open(&m.wget.file));
        must(err == TSR_E_SPACE || m.answers == m.urls);
    }
}

static void owner_says(const char *message, tsr_bytes value, uint64_t now_ms)
{
    tsr_err err;

    if (m.over || tsr_cbor_check(value) != TSR_OK) /* the engine lets nothing else through */
        return;
    err = m.info.take(m.info.self, tsr_text(message), value, now_ms);
    m.over = err != TSR_OK && err != TSR_E_UNSUPPORTED;
    m.urls += err == TSR_OK && strcmp(message, "url") == 0;
    m.began_secure = m.began_secure || (m.wget.running && m.wget.fetch.secure);
    if (!m.wget.running)
        m.began_secure = false;
}

static void owner_says_url(tsr_bytes in, uint64_t now_ms)
{
    uint8_t url_room[600], room[700];
    tsr_buf url = tsr_buf_over(url_room, sizeof url_room), value = tsr_buf_over(room, sizeof room);

    put_url(&url, &in);
    tsr_cbor_put_text(&value, tsr_buf_view(&url));
    m.began_secure = false;
    owner_says("url", tsr_buf_view(&value), now_ms);
}

/* The hash of these bytes. */
static void owner_says_hash(tsr_bytes in, uint64_t now_ms)
{
    uint8_t hash[TSR_BENEATH_SHA384], room[64];
    tsr_buf value = tsr_buf_over(room, sizeof room);

    must(psa_hash_compute(PSA_ALG_SHA_384, in.ptr, in.len, hash, sizeof hash, &(size_t){ 0 }) == PSA_SUCCESS);
    tsr_cbor_put_bytes(&value, tsr_view(hash, sizeof hash));
    owner_says("sha-384", tsr_buf_view(&value), now_ms);
}

static void owner_says_name(tsr_bytes in, uint64_t now_ms)
{
    uint8_t room[300];
    tsr_buf value = tsr_buf_over(room, sizeof room);

    tsr_cbor_put_text(&value, in);
    if (value.err == TSR_OK)
        owner_says("name", tsr_buf_view(&value), now_ms);
}

static void wget_step(uint8_t what, tsr_bytes in, uint64_t now_ms)
{
    static const char *const names[] = { "name", "url", "sha-384", "active" };

    switch (what) {
    case 4: owner_says_url(in, now_ms); break;
    case 5: owner_says_name(in, now_ms); break;
    case 6: owner_says_hash(in, now_ms); break;
    case 7: owner_says(names[take(&in) & 3], in, now_ms); break;
    default: hear(take(&in) % 200, now_ms); break;
    }
}

static void wget_begin(void)
{
    memset(&m, 0, sizeof m);
    tsr_info_wget_init(&m.wget, &bounds, &m.info);
    tsr_fetch_use(&m.wget.fetch, &masked, NULL);
}

/* The time comes when there is an answer to everything. */
static void wget_end(uint64_t now_ms)
{
    bool written;

    if (!m.over) {
        hear(200, now_ms + WAIT_MS + 1);
        must(!m.wget.running && m.answers == m.urls);
    }
    written = m.files != 0 || (m.wget.answer && m.wget.error == NULL); /* said, or about to be */
    m.info.drop(m.info.self);
    must(m.wget.fetch.pipe.tcp.link.fd == -1 && !tsr_beneath_open(&m.wget.file));
    must(connects <= m.urls * (1u + TSR_FETCH_HOPS));
    fdo_folder_look(&here, written);
}

/* ---- the carrier ---- */

static tsr_carrier carrier;
static tsr_carrier_place place;
static bool has_place, under_way;
static uint8_t message_room[300];

static void carrier_sends(tsr_bytes in, uint64_t now_ms)
{
    uint8_t how = take(&in), type = how & 1 ? 60 : take(&in);
    tsr_bytes body = tsr_first(in, sizeof message_room);

    if (!has_place || under_way)
        return;
    if (body.len != 0)
        memcpy(message_room, body.ptr, body.len);
    under_way = tsr_carrier_send(&carrier, &place, type, how & 2, tsr_view(message_room, body.len), now_ms) == TSR_OK;
    must(under_way || carrier.cause[0] != '\0');
}

static void carrier_goes_to(tsr_bytes in)
{
    uint8_t room[600];
    tsr_buf url = tsr_buf_over(room, sizeof room);

    if (under_way)
        return;
    put_url(&url, &in);
    has_place = tsr_carrier_place_url(&place, tsr_buf_view(&url)) == TSR_OK;
}

static void carrier_hears(uint64_t now_ms)
{
    tsr_err err;

    if (!under_way)
        return;
    must(tsr_fetch_due_ms(&carrier.fetch) != UINT64_MAX);
    err = tsr_carrier_next(&carrier, now_ms);
    must(carrier.len <= sizeof carrier.body && memchr(carrier.token, 0, sizeof carrier.token) != NULL);
    must(err != TSR_OK || carrier.has_type);
    must(err == TSR_OK || err == TSR_END || carrier.cause[0] != '\0');
    must(err != TSR_END || tsr_fetch_fd(&carrier.fetch) >= 0);
    under_way = err == TSR_END;
}

static void carrier_begin(void)
{
    tsr_carrier_init(&carrier, WAIT_MS, NULL, 0);
    tsr_fetch_use(&carrier.fetch, &masked, NULL);
    has_place = under_way = false;
}

/* A connection may take that long, and the request on it once more. */
static void carrier_end(uint64_t now_ms)
{
    for (int i = 0; i < 3 && under_way; i++)
        carrier_hears(now_ms += TSR_TCP_CONNECT_MS + 1);
    must(!under_way);
    tsr_carrier_end(&carrier);
    must(carrier.fetch.pipe.tcp.link.fd == -1);
}

static void carrier_step(uint8_t what, tsr_bytes in, uint64_t now_ms)
{
    switch (what) {
    case 4: carrier_goes_to(in); break;
    case 5: carrier_sends(in, now_ms); break;
    default: carrier_hears(now_ms); break;
    }
}

/* ---- all ---- */

static void leave(void) { folder_remove(&here); }

static void open_doors(void)
{
    for (int i = 0; i < DOORS; i++) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof at;

        doors[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        must(doors[i] >= 0 && bind(doors[i], (struct sockaddr *)&at, sizeof at) == 0 && listen(doors[i], 16) == 0);
        must(getsockname(doors[i], (struct sockaddr *)&at, &len) == 0);
        ports[i] = ntohs(at.sin_port);
    }
    (void)snprintf(places[0], sizeof *places, "127.0.0.1:%u", ports[0]);
    (void)snprintf(places[1], sizeof *places, "127.0.0.1:%u", ports[1]);
    (void)snprintf(places[2], sizeof *places, "localhost:%u", ports[0]);
    (void)snprintf(places[3], sizeof *places, "127.0.0.1:1");
    (void)snprintf(places[4], sizeof *places, "nobody");
    (void)snprintf(places[5], sizeof *places, "[::1]:%u", ports[0]);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    tsr_host_log_level(TSR_LOG_ERROR);
    fdo_folder_make(&here);
    (void)atexit(leave);
    open_doors();
    bounds = (tsr_info_bounds){ .root = here.root, .most_bytes = FDO_FILE_MAX, .wget_ms = WAIT_MS };
    peer.fd = -1;
    return 0;
}

static int next_fd(void)
{
    int fd = dup(doors[0]);

    must(fd >= 0);
    (void)close(fd);
    return fd;
}

static void steps(tsr_bytes in, uint64_t *now_ms)
{
    for (int n = 0; n < 40 && in.len > 1; n++) {
        uint8_t what = take(&in), len = take(&in);
        tsr_bytes part = take_some(&in, what & 0x40 ? (size_t)len * 16 : len);

        *now_ms += what & 0x20 ? (uint64_t)len * len : 1;
        if (!server_step(what % 10, part))
            (carries ? carrier_step : wget_step)(what % 10, part, *now_ms);
        if (what & 0x80) /* what comes next comes at the same time */
            continue;
        if (carries)
            carrier_hears(*now_ms);
        else if (!m.over)
            hear(200, *now_ms);
        let_in();
        listen_to_request();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    uint64_t now_ms = 1000;
    int free_fd = next_fd();

    carries = take(&in) & 1;
    connects = 0;
    (carries ? carrier_begin : wget_begin)();
    steps(in, &now_ms);
    hang_up();
    (carries ? carrier_end : wget_end)(now_ms);
    let_all_in();
    must(next_fd() == free_fd); /* none is left open */
    return 0;
}
