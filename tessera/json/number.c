/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/json/number.h"
#include "tessera/json/number_slow.h"

enum { HEAD_DIGITS = 19, EXACT_POWER = 22 };

/* Whole numbers up to here, and powers of ten up to 10^22, are doubles without rounding; one
 * multiplication or division of two such is therefore rounded correctly. */
static const double exact_limit = 9007199254740992.0; /* 2^53 */

static const double power_of_ten[EXACT_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* A number as it is written: digits * 10^exponent. */
typedef struct {
    bool negative;
    tsr_bytes digits; /* from the first to the last digit that is not 0; maybe with a point */
    size_t count;     /* digits in there */
    uint64_t head;    /* the value of the first 19 of them */
    int64_t exponent;
} decimal;

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* Digits with at most one point; what is behind them stays in `in`. */
static bool take_digits(tsr_bytes *in, decimal *d)
{
    const uint8_t *first = NULL, *last = NULL;
    size_t count = 0, i = 0, seen = 0;
    uint64_t sum = 0;
    int64_t exponent = 0;
    bool point = false;

    for (; i < in->len; i++) {
        uint8_t c = in->ptr[i];

        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(c))
            break;
        seen++;
        exponent += point ? -1 : 0;
        if (c != '0' && first == NULL)
            first = in->ptr + i;
        if (first == NULL)
            continue;
        count++;
        if (count <= HEAD_DIGITS)
            sum = sum * 10 + (uint64_t)(c - '0');
        if (c != '0') {
            last = in->ptr + i;
            d->count = count;
            d->head = sum;
        }
    }
    if (first != NULL)
        d->digits = tsr_view(first, (size_t)(last - first) + 1);
    d->exponent = exponent + (int64_t)(count - d->count);
    *in = tsr_skip(*in, i);
    return seen != 0;
}

/* Beyond a million nothing changes any more, and sums stay far from overflow. */
static bool take_exponent(tsr_bytes in, int64_t *exponent)
{
    bool negative = in.len != 0 && in.ptr[0] == '-';
    int64_t e = 0;

    if (in.len != 0 && (in.ptr[0] == '-' || in.ptr[0] == '+'))
        in = tsr_skip(in, 1);
    if (in.len == 0)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        if (!is_digit(in.ptr[i]))
            return false;
        if (e < 1000000)
            e = e * 10 + (in.ptr[i] - '0');
    }
    *exponent += negative ? -e : e;
    return true;
}

static tsr_err take_decimal(tsr_bytes in, decimal *d)
{
    *d = (decimal){ .negative = in.len != 0 && in.ptr[0] == '-' };
    if (in.len != 0 && (in.ptr[0] == '-' || in.ptr[0] == '+'))
        in = tsr_skip(in, 1);
    if (!take_digits(&in, d))
        return TSR_E_MALFORMED;
    if (in.len == 0)
        return TSR_OK;
    if (in.ptr[0] != 'e' && in.ptr[0] != 'E')
        return TSR_E_MALFORMED;
    return take_exponent(tsr_skip(in, 1), &d->exponent) ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err tsr_number_get(tsr_bytes text, double *v)
{
    decimal d;
    double size = 0;
    tsr_err err = take_decimal(text, &d);

    if (err != TSR_OK)
        return err;
    if (d.count != 0) {
        bool exact = d.count <= HEAD_DIGITS && d.head <= (uint64_t)exact_limit;

        if (exact && d.exponent >= 0 && d.exponent <= EXACT_POWER)
            size = (double)d.head * power_of_ten[d.exponent];
        else if (exact && d.exponent < 0 && d.exponent >= -EXACT_POWER)
            size = (double)d.head / power_of_ten[-d.exponent];
        else if ((err = tsr_number_round(d.digits, d.exponent, &size)) != TSR_OK)
            return err;
    }
    *v = d.negative ? -size : size;
    return TSR_OK;
}

static bool times_ten_plus(uint64_t *sum, uint64_t digit)
{
    if (*sum > (UINT64_MAX - digit) / 10)
        return false;
    *sum = *sum * 10 + digit;
    return true;
}

tsr_err tsr_number_get_whole(tsr_bytes text, bool *negative, uint64_t *size)
{
    decimal d;
    uint64_t sum = 0;
    tsr_err err = take_decimal(text, &d);

    if (err != TSR_OK)
        return err;
    if (d.count != 0 && (d.exponent < 0 || d.exponent > 20))
        return TSR_E_TYPE;
    for (size_t i = 0; i < d.digits.len; i++)
        if (d.digits.ptr[i] != '.' && !times_ten_plus(&sum, (uint64_t)(d.digits.ptr[i] - '0')))
            return TSR_E_TYPE;
    for (int64_t i = 0; d.count != 0 && i < d.exponent; i++)
        if (!times_ten_plus(&sum, 0))
            return TSR_E_TYPE;
    *negative = d.negative && sum != 0;
    *size = sum;
    return TSR_OK;
}

/* Decimal digits of a whole number without its trailing zeros. */
static size_t whole_digits(uint64_t n, uint8_t digits[20], int *exponent)
{
    tsr_buf out = tsr_buf_over(digits, 20);

    tsr_put_dec(&out, n);
    *exponent = (int)out.len;
    while (out.len > 1 && digits[out.len - 1] == '0')
        out.len--;
    return out.len;
}

/* Tries the fewest decimals first: n / 10^k with both exact is what reading gives back, too. */
static size_t short_digits(double v, uint8_t digits[20], int *exponent)
{
    for (int k = 0; k <= EXACT_POWER; k++) {
        double scaled = v * power_of_ten[k];

        if (scaled >= exact_limit)
            return 0;

        uint64_t n = (uint64_t)(scaled + 0.5);

        if (n != 0 && (double)n / power_of_ten[k] == v) {
            size_t len = whole_digits(n, digits, exponent);

            *exponent -= k;
            return len;
        }
    }
    return 0;
}

static void put_zeros(tsr_buf *out, int n)
{
    while (n-- > 0)
        tsr_put_u8(out, '0');
}

/* 0.DIGITS * 10^exponent, plainly where that stays readable. */
static void put_decimal(tsr_buf *out, tsr_bytes digits, int exponent)
{
    int len = (int)digits.len;

    if (exponent > 21 || exponent < -5) {
        tsr_put_bytes(out, tsr_first(digits, 1));
        if (len > 1) {
            tsr_put_u8(out, '.');
            tsr_put_bytes(out, tsr_skip(digits, 1));
        }
        tsr_put_u8(out, 'e');
        tsr_put_sdec(out, exponent - 1);
    } else if (exponent <= 0) {
        tsr_put_text(out, "0.");
        put_zeros(out, -exponent);
        tsr_put_bytes(out, digits);
    } else {
        tsr_put_bytes(out, tsr_first(digits, (size_t)exponent));
        put_zeros(out, exponent - len);
        if (len > exponent) {
            tsr_put_u8(out, '.');
            tsr_put_bytes(out, tsr_skip(digits, (size_t)exponent));
        }
    }
}

void tsr_number_put(tsr_buf *out, double v)
{
    uint8_t digits[20];
    int exponent;
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    if ((bits >> 52 & 2047) == 2047) {
        if (out->err == TSR_OK)
            out->err = TSR_E_TYPE;
        return;
    }
    if (bits >> 63 != 0) {
        tsr_put_u8(out, '-');
        v = -v;
    }
    if (v == 0) {
        tsr_put_u8(out, '0');
        return;
    }

    size_t len = short_digits(v, digits, &exponent);

    if (len == 0)
        len = tsr_number_shortest(v, digits, &exponent);
    put_decimal(out, tsr_view(digits, len), exponent);
}
