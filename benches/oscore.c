/* SPDX-License-Identifier: Apache-2.0
 *
 * oscore protect|unprotect|encrypt|decrypt: 1,000 times one CON PUT /3303/0/5700 with 32 bytes of
 * payload, for callgrind (inclusive instructions of protect_once ..., by 1,000). encrypt and
 * decrypt are the AEAD call alone, of as many bytes under the same key type. Prints nothing; exit 1
 * on a wrong result. */
#include "tessera/coap/message.h"
#include "tessera/cose/cose.h"
#include "tessera/oscore/datagram.h"

#define NOINLINE __attribute__((noinline))
#define CCM      PSA_ALG_AEAD_WITH_SHORTENED_TAG(PSA_ALG_CCM, 8)

enum { LOOPS = 1000, ROOM = 256 };

typedef struct {
    uint8_t bytes[ROOM];
    size_t len;
} message;

static struct {
    tsr_oscore client, server;
    tsr_oscore_exchange x, y;
    message plain, wire[LOOPS], out;
    psa_key_id_t key;
    uint8_t nonce[13], aad[22]; /* as of a request with a kid of 1 byte and a Partial IV of 2 */
    uint8_t text[ROOM], sealed[ROOM];
    size_t text_len;
} b;

/* exported and called through volatile pointers, so that no compiler merges them into the loop */
bool protect_once(message *wire);
bool unprotect_once(const message *wire);
bool encrypt_once(void);
bool decrypt_once(void);

static bool (*volatile protect_it)(message *) = protect_once;
static bool (*volatile unprotect_it)(const message *) = unprotect_once;
static bool (*volatile encrypt_it)(void) = encrypt_once;
static bool (*volatile decrypt_it)(void) = decrypt_once;

/* As an engine does it: the message stands in a buffer that may be used up. */
NOINLINE bool protect_once(message *wire)
{
    tsr_buf in = { b.out.bytes, b.out.len, ROOM, TSR_OK }, out = tsr_buf_over(wire->bytes, ROOM);
    tsr_err err = tsr_oscore_protect_request_datagram(&b.client, &b.x, &in, &out);

    wire->len = out.len;
    return err == TSR_OK;
}

NOINLINE bool unprotect_once(const message *wire)
{
    tsr_buf out = tsr_buf_over(b.out.bytes, ROOM);
    tsr_bytes in = { wire->bytes, wire->len };
    tsr_err err = tsr_oscore_unprotect_request_datagram(&b.server, &b.y, in, &out);

    b.out.len = out.len;
    return err == TSR_OK;
}

NOINLINE bool encrypt_once(void)
{
    size_t len;

    return psa_aead_encrypt(b.key, CCM, b.nonce, 13, b.aad, sizeof b.aad, b.text, b.text_len,
                            b.sealed, b.text_len + 8, &len) == PSA_SUCCESS;
}

NOINLINE bool decrypt_once(void)
{
    size_t len;

    return psa_aead_decrypt(b.key, CCM, b.nonce, 13, b.aad, sizeof b.aad, b.sealed, b.text_len + 8,
                            b.out.bytes, b.text_len, &len) == PSA_SUCCESS;
}

static bool import(psa_key_type_t type, psa_key_usage_t usage, psa_algorithm_t alg,
                   psa_key_id_t *id)
{
    psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;

    psa_set_key_type(&a, type);
    psa_set_key_usage_flags(&a, usage);
    psa_set_key_algorithm(&a, alg);
    return psa_import_key(&a, (const uint8_t *)"0123456789abcdef", 16, id) == PSA_SUCCESS;
}

static bool init(tsr_oscore *c, const char *sender, const char *recipient, psa_key_id_t secret)
{
    tsr_oscore_params p = { .master_secret = secret,
                            .sender_id = tsr_text(sender),
                            .recipient_id = tsr_text(recipient) };

    return tsr_oscore_init(c, &p, (tsr_bytes){ NULL, 0 }) == TSR_OK;
}

static void build(message *m)
{
    tsr_buf out = tsr_buf_over(m->bytes, ROOM);
    uint16_t last = 0;

    tsr_coap_put_header(&out, TSR_COAP_CON, TSR_COAP_PUT, 1, tsr_text("tokn"));
    tsr_coap_put_opt_text(&out, &last, TSR_COAP_URI_PATH, "/3303/0/5700", '/');
    tsr_coap_put_opt_uint(&out, &last, TSR_COAP_CONTENT_FORMAT, 112);
    tsr_coap_put_payload(&out, tsr_text("0123456789abcdef0123456789abcdef"));
    m->len = out.len;
}

static bool start(void)
{
    psa_key_id_t secret;

    build(&b.plain);
    b.text_len = b.plain.len - 8 + 1; /* the body and the code */
    memcpy(b.text, b.plain.bytes + 7, b.text_len);
    return psa_crypto_init() == PSA_SUCCESS &&
           import(PSA_KEY_TYPE_DERIVE, PSA_KEY_USAGE_DERIVE, PSA_ALG_HKDF(PSA_ALG_SHA_256),
                  &secret) &&
           import(PSA_KEY_TYPE_AES, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT, CCM, &b.key) &&
           init(&b.client, "c", "s", secret) && init(&b.server, "s", "c", secret);
}

int main(int argc, char **argv)
{
    if (argc != 2 || !start() || !encrypt_once())
        return 2;
    for (unsigned i = 0; i < LOOPS; i++) {
        b.out = b.plain;
        if (!protect_it(&b.wire[i]))
            return 1;
    }
    for (unsigned i = 0; i < LOOPS && argv[1][0] != 'p'; i++) {
        bool good = argv[1][0] == 'u'   ? unprotect_it(&b.wire[i])
                    : argv[1][0] == 'e' ? encrypt_it()
                                        : decrypt_it();

        if (!good)
            return 1;
        if (argv[1][0] == 'u' &&
            (b.out.len != b.plain.len || memcmp(b.out.bytes, b.plain.bytes, b.out.len) != 0))
            return 1;
    }
    return 0;
}
