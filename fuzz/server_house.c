/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/server_house.h"

#include "fuzz/keys.h"
#include "server/bootstrap/bootstrap.h"
#include "tessera/coap/message.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void leave(void) { (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

static void address(tsr_address *a) { must(tsr_address_parse("127.0.0.1:0", a) == TSR_OK); }

static void configure(fuzz_house *h)
{
    static char key[80], own_key[80];
    tsr_server_config *c = &h->config;

    (void)snprintf(key, sizeof key, "%s/ca.key", h->dir);
    (void)snprintf(own_key, sizeof own_key, "%s/own.key", h->dir);
    fuzz_write_key(key, "dtls/ca.key");
    fuzz_write_key(own_key, "dtls/server.key");
    c->data = h->dir;
    c->shards = 1;
    c->devices = 4096;
    c->allow_nosec = c->bootstrap_nosec = c->enrol_psk = true;
    c->bootstrap = &tsr_bootstrap_service;
    c->bootstrap_rate = 1000000;
    c->bootstrap_ms = 1000;
    c->event_ring = 1000;
    c->history = 10;
    c->queue_all = 1000;
    c->queue_results = 1000;
    c->enrol_live = 1000;
    address(&c->coap[0]);
    address(&c->coap_tcp[0]);
    address(&c->bootstrap_coap[0]);
    address(&c->bootstrap_coaps[0]);
    c->coap_count = c->coap_tcp_count = c->bootstrap_coap_count = c->bootstrap_coaps_count = 1;
    c->certificate = TSR_SOURCE_DIR "/tests/vectors/dtls/server.der";
    c->key = own_key;
    c->trust = TSR_SOURCE_DIR "/tests/vectors/dtls/ca.der";
    c->enrol_certificate = TSR_SOURCE_DIR "/tests/vectors/dtls/ca.der";
    c->enrol_key = key;
}

static void furnish(tsr_server *s)
{
    static const char plain[] =
        "{\"plain\":true,\"read\":[\"/1\",\"/2\"],\"servers\":[{\"uri\":\"coap://a\",\"security\":"
        "\"nosec\",\"short_server_id\":7}]}";
    static const char keys[] =
        "{\"write\":\"object\",\"servers\":[{\"uri\":\"coaps://a\",\"security\":\"psk\","
        "\"generate\":true,\"short_server_id\":7},{\"uri\":\"coaps://b\",\"security\":\"est\","
        "\"short_server_id\":8,\"server_certificate\":\"MAA=\"}]}";
    const tsr_server_oscore oscore = { .device_id = tsr_text("d"),
                                       .server_id = tsr_text("s"),
                                       .secret = tsr_text(FUZZ_PSK) };
    char why[400];

    must(tsr_bootstrap_profile_set(s, "dev*", tsr_text(plain), why, sizeof why) == TSR_OK);
    must(tsr_bootstrap_profile_set(s, "lamp", tsr_text(keys), why, sizeof why) == TSR_OK);
    must(tsr_bootstrap_credential_set(s, "lamp", TSR_SERVER_PSK, "lamp", tsr_text(FUZZ_PSK)) ==
         TSR_OK);
    must(tsr_server_credential_set_oscore(s, "osc", &oscore) == TSR_OK);
    must(tsr_bootstrap_credential_set_oscore(s, "osc", &oscore) == TSR_OK);
}

void fuzz_house_open(fuzz_house *h)
{
    char why[600] = "";

    (void)signal(SIGPIPE, SIG_IGN);
    must(psa_crypto_init() == PSA_SUCCESS);
    (void)snprintf(h->dir, sizeof h->dir, "/dev/shm/fuzz-server-XXXXXX");
    must(mkdtemp(h->dir) != NULL);
    (void)snprintf(folder, sizeof folder, "%s", h->dir);
    (void)atexit(leave);
    configure(h);
    if (tsr_server_open(&h->config, &h->server, why, sizeof why) != TSR_OK)
        (void)fprintf(stderr, "%s\n", why);
    must(h->server != NULL);
    furnish(h->server);
}

void fuzz_house_arguments(int *argc, char ***argv)
{
    static char *all[64];
    static char leaks[] = "-detect_leaks=0";
    int n = 0;

    must(*argc < 62);
    all[n++] = (*argv)[0];
    all[n++] = leaks;
    for (int i = 1; i < *argc; i++)
        all[n++] = (*argv)[i];
    *argc = n;
    *argv = all;
}

int fuzz_house_connect(const tsr_address *to, bool tcp)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons(to->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

    must(fd >= 0 && connect(fd, (const struct sockaddr *)&in, sizeof in) == 0);
    must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

bool fuzz_house_readable(int fd, int ms)
{
    struct pollfd p = { fd, POLLIN, 0 };
    int n = 0;

    do /* libFuzzer's own alarm */
        n = poll(&p, 1, ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static bool is_registered(const fuzz_house *h)
{
    tsr_server_registration *r;

    if (tsr_server_find(h->server, "dev", &r) != TSR_OK)
        return false;
    tsr_server_registration_free(r);
    return true;
}

void fuzz_house_register(const fuzz_house *h, int fd)
{
    static uint16_t number;
    uint8_t room[256];
    uint16_t last = 0;
    tsr_buf out;

    for (int i = 0; !is_registered(h); i++) {
        must(i < 3000);
        if (i % 100 == 0) {
            last = 0;
            out = tsr_buf_over(room, sizeof room);
            tsr_coap_put_header(&out, TSR_COAP_CON, TSR_COAP_POST, (uint16_t)(0x8000 | number++),
                                tsr_text("reg"));
            tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, "/rd", '/');
            tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, 40);
            tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_QUERY, "ep=dev&lt=8000000&lwm2m=1.2",
                                  '&');
            tsr_coap_put_payload(
                &out, tsr_text("</>;ct=\"110 112 11542 11543 11544 60\";rt=\"oma.lwm2m\","
                               "</1/0>,</3/0>,</5/0>,</3303/0>,</3311/0>"));
            must(out.err == TSR_OK);
            (void)!send(fd, room, out.len, 0);
        }
        (void)poll(NULL, 0, 10);
    }
}
