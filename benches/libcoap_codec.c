/* SPDX-License-Identifier: Apache-2.0
 *
 * libcoap_codec parse|build|frame: what coap_codec does (frame: the parsing of frame_codec),
 * with libcoap's public calls: 10,000 times GET /3/0/9 with Observe and a 4-byte token. A message
 * there is a PDU that is made and freed each time. */
#include <coap3/coap.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

enum { LOOPS = 10000 };

int parse_once(void);
int build_once(void);

static int (*volatile parse)(void) = parse_once;
static int (*volatile build)(void) = build_once;

static const uint8_t get_3_0_9[] = { 0x44, 0x01, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef,
                                     0x60, 0x51, 0x33, 0x01, 0x30, 0x01, 0x39 };
static const uint8_t frame_3_0_9[] = { 0x74, 0x01, 0xde, 0xad, 0xbe, 0xef, 0x60,
                                       0x51, 0x33, 0x01, 0x30, 0x01, 0x39 };
static bool framed;

NOINLINE int parse_once(void)
{
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, COAP_REQUEST_CODE_GET, 0, 64);
    int good = pdu != NULL &&
               (framed ? coap_pdu_parse(COAP_PROTO_TCP, frame_3_0_9, sizeof frame_3_0_9, pdu)
                       : coap_pdu_parse(COAP_PROTO_UDP, get_3_0_9, sizeof get_3_0_9, pdu)) > 0 &&
               coap_pdu_get_token(pdu).length == 4;

    coap_delete_pdu(pdu);
    return good;
}

NOINLINE int build_once(void)
{
    static const uint8_t token[] = { 0xde, 0xad, 0xbe, 0xef };
    coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON, COAP_REQUEST_CODE_GET, 0x1234, 64);
    int good = pdu != NULL && coap_add_token(pdu, sizeof token, token) &&
               coap_add_option(pdu, COAP_OPTION_OBSERVE, 0, NULL) &&
               coap_add_option(pdu, COAP_OPTION_URI_PATH, 1, (const uint8_t *)"3") &&
               coap_add_option(pdu, COAP_OPTION_URI_PATH, 1, (const uint8_t *)"0") &&
               coap_add_option(pdu, COAP_OPTION_URI_PATH, 1, (const uint8_t *)"9");

    coap_delete_pdu(pdu);
    return good;
}

int main(int argc, char **argv)
{
    int building = argc > 1 && strcmp(argv[1], "build") == 0;

    framed = argc > 1 && strcmp(argv[1], "frame") == 0;
    if (argc != 2 || (!building && !framed && strcmp(argv[1], "parse") != 0))
        return 2;
    coap_startup();
    for (unsigned i = 0; i < LOOPS; i++) {
        if (!(building ? build() : parse()))
            return 1;
    }
    return 0;
}
