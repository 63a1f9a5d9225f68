/* SPDX-License-Identifier: Apache-2.0
 *
 * The peer of bench_dtls_handshake: the same handshakes by OpenSSL, both ends in this process.
 *     bench_openssl_dtls psk|cert COUNT [RECORDS] */
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static SSL_CTX *client_ctx, *server_ctx;

static void die(const char *what)
{
    fprintf(stderr, "bench_openssl_dtls: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static unsigned psk_client(SSL *ssl, const char *hint, char *identity, unsigned max_identity,
                           unsigned char *psk, unsigned max_psk)
{
    (void)ssl, (void)hint, (void)max_psk;
    snprintf(identity, max_identity, "device-1");
    memcpy(psk, "0123456789abcdef", 16);
    return 16;
}

static unsigned psk_server(SSL *ssl, const char *identity, unsigned char *psk, unsigned max_psk)
{
    (void)ssl, (void)identity, (void)max_psk;
    memcpy(psk, "0123456789abcdef", 16);
    return 16;
}

static int cookie_make(SSL *ssl, unsigned char *cookie, unsigned *len)
{
    (void)ssl;
    HMAC(EVP_sha256(), "0123456789abcdef0123456789abcdef", 32, (const unsigned char *)"192.0.2.1",
         9, cookie, len);
    return 1;
}

static int cookie_check(SSL *ssl, const unsigned char *cookie, unsigned len)
{
    unsigned char good[64];
    unsigned good_len;

    return cookie_make(ssl, good, &good_len) && len == good_len && memcmp(cookie, good, len) == 0;
}

static size_t slurp(const char *name, unsigned char bytes[2048])
{
    char path[512];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "%s/tests/vectors/dtls/%s", TSR_SOURCE_DIR, name);
    f = fopen(path, "rb");
    if (f == NULL)
        die(path);
    n = fread(bytes, 1, 2048, f);
    fclose(f);
    return n;
}

/* RFC 5915 §3 around a raw P-256 key */
static void use_certificate(SSL_CTX *ctx, const char *certificate, const char *key)
{
    static const unsigned char head[] = { 0x30, 0x31, 2, 1, 1, 4, 32 };
    static const unsigned char tail[] = { 0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
    unsigned char bytes[2048], der[64], ca[2048];
    const unsigned char *at = ca;
    size_t n = slurp(certificate, bytes);
    X509 *anchor;

    if (SSL_CTX_use_certificate_ASN1(ctx, (int)n, bytes) != 1)
        die("certificate");
    memcpy(der, head, sizeof(head));
    slurp(key, bytes);
    memcpy(der + 7, bytes, 32);
    memcpy(der + 39, tail, sizeof(tail));
    if (SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, ctx, der, 51) != 1)
        die("key");
    n = slurp("ca.der", ca);
    anchor = d2i_X509(NULL, &at, (long)n);
    if (anchor == NULL || X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), anchor) != 1)
        die("anchor");
    X509_free(anchor);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

static SSL_CTX *make(const SSL_METHOD *method, int cert)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL)
        die("SSL_CTX_new");
    SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION);
    if (SSL_CTX_set_cipher_list(ctx, cert ? "ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0"
                                          : "PSK-AES128-CCM8:@SECLEVEL=0") != 1)
        die("cipher list");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU | SSL_OP_COOKIE_EXCHANGE);
    SSL_CTX_set1_groups_list(ctx, "P-256");
    return ctx;
}

/* Nothing is lost here: no retransmission, however slowly callgrind lets us run. */
static unsigned patient(SSL *ssl, unsigned us)
{
    (void)ssl, (void)us;
    return 600u * 1000000u;
}

static SSL *session(SSL_CTX *ctx, BIO *in, BIO *out, int server)
{
    SSL *ssl = SSL_new(ctx);

    BIO_up_ref(in);
    BIO_up_ref(out);
    SSL_set_bio(ssl, in, out);
    SSL_set_mtu(ssl, 1232);
    DTLS_set_timer_cb(ssl, patient);
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

int server_step(SSL *ssl);

__attribute__((noinline)) int server_step(SSL *ssl) { return SSL_do_handshake(ssl); }

static BIO *queue(void)
{
    BIO *b = BIO_new(BIO_s_mem());

    BIO_set_mem_eof_return(b, -1);
    return b;
}

static void records(SSL *client, SSL *server, unsigned count, double *seal_us, double *open_us)
{
    char text[64] = { 0 };

    for (unsigned i = 0; i < count; i++) {
        double t = cpu_us(), u;

        if (SSL_write(i % 2 ? server : client, text, 64) != 64)
            die("SSL_write");
        u = cpu_us();
        *seal_us += u - t;
        if (SSL_read(i % 2 ? client : server, text, 64) != 64)
            die("SSL_read");
        *open_us += cpu_us() - u;
    }
}

int main(int argc, char **argv)
{
    unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) : 0,
             n = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
    int cert = argc > 1 && argv[1][0] == 'c';
    double server_us = 0, client_us = 0, seal_us = 0, open_us = 0;

    if (count == 0)
        die("usage: psk|cert COUNT [RECORDS]");
    client_ctx = make(DTLS_client_method(), cert);
    server_ctx = make(DTLS_server_method(), cert);
    SSL_CTX_set_cookie_generate_cb(server_ctx, cookie_make);
    SSL_CTX_set_cookie_verify_cb(server_ctx, cookie_check);
    if (cert) {
        use_certificate(client_ctx, "device.der", "device.key");
        use_certificate(server_ctx, "server.der", "server.key");
    } else {
        SSL_CTX_set_psk_client_callback(client_ctx, psk_client);
        SSL_CTX_set_psk_server_callback(server_ctx, psk_server);
    }
    for (unsigned i = 0; i < count; i++) {
        BIO *up = queue(), *down = queue();
        double t = cpu_us();
        SSL *client = session(client_ctx, down, up, 0), *server;
        int c = SSL_do_handshake(client), s = 0;

        client_us += cpu_us() - t;
        t = cpu_us();
        server = session(server_ctx, up, down, 1);
        server_us += cpu_us() - t;
        for (int turns = 0; c != 1 || s != 1; turns++) {
            if (turns > 20)
                die("the handshake stands still");
            t = cpu_us();
            s = server_step(server);
            server_us += cpu_us() - t;
            t = cpu_us();
            c = SSL_do_handshake(client);
            client_us += cpu_us() - t;
        }
        if (i + 1 == count)
            records(client, server, n, &seal_us, &open_us);
        SSL_free(client);
        SSL_free(server);
        BIO_free(up);
        BIO_free(down);
    }
    printf("server_us=%.2f\nclient_us=%.2f\n", server_us / count, client_us / count);
    if (n > 0)
        printf("seal_us=%.3f\nopen_us=%.3f\n", seal_us / n, open_us / n);
    SSL_CTX_free(client_ctx);
    SSL_CTX_free(server_ctx);
    return 0;
}
