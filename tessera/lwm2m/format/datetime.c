/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/format/datetime.h"

#include "tessera/base/date.h"

/* Reads along a pattern: d stands for a digit of the next number, anything else for itself. */
static bool take_numbers(tsr_bytes *in, const char *pattern, int *numbers)
{
    int sum = -1;

    for (; *pattern != '\0'; pattern++) {
        uint8_t c = in->len == 0 ? 0 : in->ptr[0];

        *in = tsr_skip(*in, 1);
        if (*pattern == 'd') {
            if (c < '0' || c > '9')
                return false;
            sum = (sum < 0 ? 0 : sum) * 10 + (c - '0');
            continue;
        }
        if ((c | 0x20) != (*pattern | 0x20))
            return false;
        if (sum >= 0)
            *numbers++ = sum;
        sum = -1;
    }
    if (sum >= 0)
        *numbers = sum;
    return true;
}

static void skip_fraction(tsr_bytes *in)
{
    if (in->len == 0 || in->ptr[0] != '.')
        return;
    do
        *in = tsr_skip(*in, 1);
    while (in->len != 0 && in->ptr[0] >= '0' && in->ptr[0] <= '9');
}

static bool take_offset(tsr_bytes in, int *minutes)
{
    int n[2] = { 0, 0 };
    int sign = in.len != 0 && in.ptr[0] == '-' ? -1 : 1;

    *minutes = 0;
    if (in.len == 1 && (in.ptr[0] | 0x20) == 'z')
        return true;
    if (in.len == 0 || (in.ptr[0] != '+' && in.ptr[0] != '-'))
        return false;
    in = tsr_skip(in, 1);
    if (!take_numbers(&in, "dd:dd", n) || in.len != 0 || n[0] > 23 || n[1] > 59)
        return false;
    *minutes = sign * (n[0] * 60 + n[1]);
    return true;
}

tsr_err tsr_lwm2m_datetime(tsr_bytes text, int64_t *unix_s)
{
    int n[6] = { 0, 0, 0, 0, 0, 0 }, minutes;

    if (!take_numbers(&text, "dddd-dd-ddtdd:dd:dd", n))
        return TSR_E_MALFORMED;
    skip_fraction(&text);
    if (!take_offset(text, &minutes))
        return TSR_E_MALFORMED;
    if (n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 || n[4] > 59 || n[5] > 60)
        return TSR_E_MALFORMED;
    *unix_s = (int64_t)tsr_date_days(n[0], n[1], n[2]) * 86400 + (n[3] * 60 + n[4] - minutes) * 60 + n[5];
    return TSR_OK;
}
