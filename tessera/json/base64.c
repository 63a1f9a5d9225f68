/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/json/base64.h"

static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static uint8_t letter(uint32_t six, const char *last_two)
{
    return (uint8_t)(six < 62 ? common[six] : last_two[six - 62]);
}

static void put(tsr_buf *out, tsr_bytes in, const char *last_two, bool pad)
{
    while (in.len != 0) {
        size_t n = in.len < 3 ? in.len : 3;
        uint32_t bits = (uint32_t)in.ptr[0] << 16;

        if (n > 1)
            bits |= (uint32_t)in.ptr[1] << 8;
        if (n > 2)
            bits |= in.ptr[2];

        size_t used = n + 1;
        uint8_t *at = tsr_buf_claim(out, pad ? 4 : used);

        if (at == NULL)
            return;
        for (size_t i = 0; i < (pad ? 4 : used); i++)
            at[i] = i < used ? letter(bits >> (18 - 6 * i) & 63, last_two) : '=';
        in = tsr_skip(in, n);
    }
}

void tsr_base64_put(tsr_buf *out, tsr_bytes in) { put(out, in, "+/", true); }
void tsr_base64url_put(tsr_buf *out, tsr_bytes in) { put(out, in, "-_", false); }

static int value_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return -1;
}

/* RFC 4648 §3.2: padding fills the last group to four, or is left out altogether. */
static bool strip_padding(tsr_bytes *text)
{
    size_t pad = 0;

    while (pad < 2 && text->len > pad && text->ptr[text->len - 1 - pad] == '=')
        pad++;
    if (pad != 0 && text->len % 4 != 0)
        return false;
    text->len -= pad;
    return text->len % 4 != 1;
}

tsr_err tsr_base64_get(tsr_bytes text, tsr_buf *out)
{
    tsr_buf room = *out;
    uint32_t bits = 0;
    unsigned have = 0;

    if (!strip_padding(&text))
        return TSR_E_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        int v = value_of(text.ptr[i]);

        if (v < 0)
            return TSR_E_MALFORMED;
        bits = (bits << 6 | (uint32_t)v) & 0xffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            tsr_put_u8(&room, (uint8_t)(bits >> have));
        }
    }
    if ((bits & ((1u << have) - 1)) != 0) /* RFC 4648 §3.5 */
        return TSR_E_MALFORMED;
    if (room.err != TSR_OK)
        return TSR_E_SPACE;
    out->len = room.len;
    return TSR_OK;
}
