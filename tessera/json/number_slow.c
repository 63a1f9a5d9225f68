/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/json/number_slow.h"

/* The longest number needed: 770 digits, or 5 to the power of 1100, aligned with each other. */
enum { WORDS = 88, DIGITS_KEPT = 770, FRACTION = 52, BIAS = 1023, LEAST = -1074 };

typedef struct {
    uint32_t w[WORDS]; /* least significant first */
    unsigned n;        /* words in use; the top one is not 0 */
} big;

static void big_set(big *b, uint64_t v)
{
    b->n = 0;
    for (; v != 0; v >>= 32)
        b->w[b->n++] = (uint32_t)v;
}

static void big_push(big *b, uint32_t word)
{
    if (word != 0 && b->n < WORDS)
        b->w[b->n++] = word;
}

static void big_mul_add(big *b, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;

    for (unsigned i = 0; i < b->n; i++) {
        carry += (uint64_t)b->w[i] * factor;
        b->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    big_push(b, (uint32_t)carry);
}

/* Times base to the power of n; `chunk` is base to the power of `step` and fits in 32 bits. */
static void big_mul_power(big *b, uint32_t base, uint32_t chunk, unsigned step, unsigned n)
{
    for (; n >= step; n -= step)
        big_mul_add(b, chunk, 0);
    for (; n > 0; n--)
        big_mul_add(b, base, 0);
}

static void big_mul_pow10(big *b, unsigned n) { big_mul_power(b, 10, 1000000000, 9, n); }
static void big_mul_pow5(big *b, unsigned n) { big_mul_power(b, 5, 1220703125, 13, n); }

static void big_shift(big *b, unsigned bits)
{
    unsigned words = bits / 32, rest = bits % 32;

    if (rest != 0)
        big_mul_add(b, UINT32_C(1) << rest, 0);
    if (words == 0 || b->n == 0 || words > WORDS - b->n)
        return;
    memmove(b->w + words, b->w, b->n * sizeof b->w[0]);
    memset(b->w, 0, words * sizeof b->w[0]);
    b->n += words;
}

static int big_compare(const big *a, const big *b)
{
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (unsigned i = a->n; i-- > 0;)
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

/* a must not be smaller than b */
static void big_subtract(big *a, const big *b)
{
    uint64_t borrow = 0;

    for (unsigned i = 0; i < a->n; i++) {
        uint64_t d = (uint64_t)a->w[i] - (i < b->n ? b->w[i] : 0) - borrow;

        a->w[i] = (uint32_t)d;
        borrow = d >> 63;
    }
    while (a->n != 0 && a->w[a->n - 1] == 0)
        a->n--;
}

static void big_add(big *a, const big *b)
{
    uint64_t carry = 0;

    for (unsigned i = 0; i < a->n || i < b->n; i++) {
        carry += (uint64_t)(i < a->n ? a->w[i] : 0) + (i < b->n ? b->w[i] : 0);
        a->w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (a->n < b->n)
        a->n = b->n;
    big_push(a, (uint32_t)carry);
}

static int big_bits(const big *b)
{
    int bits = 0;

    if (b->n == 0)
        return 0;
    for (uint32_t top = b->w[b->n - 1]; top != 0; top >>= 1)
        bits++;
    return bits + 32 * ((int)b->n - 1);
}

/* ---- text to double ----------------------------------------------------------------------- */

/* A positive number q * 2^x, q with its top bit set, a little more if `sticky`: to the nearest
 * double, ties to even. */
static tsr_err round_to_double(uint64_t q, int x, bool sticky, double *v)
{
    int top = x + 63; /* 2^top <= number < 2^(top + 1) */
    int kept = top >= 1 - BIAS ? FRACTION + 1 : FRACTION + 1 - (1 - BIAS - top);
    uint64_t m = 0, rest = q, half = UINT64_C(1) << 63;

    if (top > BIAS)
        return TSR_E_TYPE;
    if (kept < 0) {
        *v = 0;
        return TSR_OK;
    }
    if (kept > 0) {
        m = q >> (64 - kept);
        rest = q & ((UINT64_C(1) << (64 - kept)) - 1);
        half = UINT64_C(1) << (63 - kept);
    }
    if (rest > half || (rest == half && (sticky || (m & 1) != 0)))
        m++;

    /* A carry out of the fraction goes into the exponent, as it should. */
    uint64_t bits = kept == FRACTION + 1
                        ? ((uint64_t)(top + BIAS - 1) << FRACTION) + m
                        : m;

    if (bits >> FRACTION >= 2047)
        return TSR_E_TYPE;
    memcpy(v, &bits, sizeof *v);
    return TSR_OK;
}

/* Digits beyond what decides a tie count only as "a little more". */
static void big_from_digits(big *b, tsr_bytes digits, int64_t *exponent)
{
    unsigned kept = 0;
    bool more = false;

    big_set(b, 0);
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] == '.')
            continue;
        if (kept == DIGITS_KEPT) {
            *exponent += 1;
            more = true;
            continue;
        }
        big_mul_add(b, 10, (uint32_t)(digits.ptr[i] - '0'));
        kept++;
    }
    if (more) { /* the last digit of all is not 0 */
        big_mul_add(b, 10, 1);
        *exponent -= 1;
    }
}

static bool bit_at(const big *b, int i)
{
    return i >= 0 && (b->w[i / 32] >> (i % 32) & 1) != 0;
}

static tsr_err round_whole(const big *b, double *v)
{
    int bits = big_bits(b);
    uint64_t q = 0;
    bool sticky = false;

    for (int i = bits - 1; i >= bits - 64; i--)
        q = q << 1 | (bit_at(b, i) ? 1 : 0);
    for (int i = bits - 65; i >= 0 && !sticky; i--)
        sticky = bit_at(b, i);
    return round_to_double(q, bits - 64, sticky, v);
}

static tsr_err round_quotient(big *a, big *b, int x, double *v)
{
    int more = big_bits(b) - big_bits(a);
    uint64_t q = 0;

    if (more > 0)
        big_shift(a, (unsigned)more);
    else
        big_shift(b, (unsigned)-more);
    x -= more;
    if (big_compare(a, b) < 0) {
        big_shift(a, 1);
        x--;
    }
    for (int i = 0; i < 64; i++) {
        q <<= 1;
        if (big_compare(a, b) >= 0) {
            big_subtract(a, b);
            q |= 1;
        }
        big_shift(a, 1);
    }
    return round_to_double(q, x - 63, a->n != 0, v);
}

tsr_err tsr_number_round(tsr_bytes digits, int64_t exponent, double *v)
{
    big a, b;
    size_t count = digits.len - (memchr(digits.ptr, '.', digits.len) != NULL ? 1 : 0);
    int64_t magnitude = (int64_t)count + exponent; /* number < 10^magnitude */

    if (magnitude > 310)
        return TSR_E_TYPE;
    if (magnitude < -324) {
        *v = 0;
        return TSR_OK;
    }
    big_from_digits(&a, digits, &exponent);
    if (exponent >= 0) {
        big_mul_pow10(&a, (unsigned)exponent);
        return round_whole(&a, v);
    }
    big_set(&b, 1);
    big_mul_pow5(&b, (unsigned)-exponent);
    return round_quotient(&a, &b, (int)exponent, v);
}

/* ---- double to text ----------------------------------------------------------------------- */

/* Steele and White's free-format printing: the number is r/s; every decimal between
 * (r - low)/s and (r + high)/s reads back as the same double. */
typedef struct {
    big r, s, low;
    bool high_is_twice; /* high is 2 * low, just above a power of two */
    bool even;          /* then the limits themselves read back, too */
} shortest;

static bool over_high(const shortest *p)
{
    big sum = p->low;

    if (p->high_is_twice)
        big_shift(&sum, 1);
    big_add(&sum, &p->r);

    int c = big_compare(&sum, &p->s);

    return p->even ? c >= 0 : c > 0;
}

static bool under_low(const shortest *p)
{
    int c = big_compare(&p->r, &p->low);

    return p->even ? c <= 0 : c < 0;
}

/* Below the decimal exponent or equal to it, by at most two. */
static int exponent_estimate(int bits)
{
    return bits >= 0 ? bits * 30102 / 100000 : (bits * 30103 - 99999) / 100000;
}

static void shortest_begin(shortest *p, uint64_t f, int e, int *exponent)
{
    int bits = e;

    for (uint64_t m = f; m > 1; m >>= 1)
        bits++;
    *exponent = exponent_estimate(bits);

    p->even = (f & 1) == 0;
    p->high_is_twice = f == UINT64_C(1) << FRACTION && e > LEAST;
    big_set(&p->r, f);
    big_set(&p->s, 1);
    big_set(&p->low, 1);

    unsigned extra = p->high_is_twice ? 2 : 1;

    big_shift(&p->r, extra + (e > 0 ? (unsigned)e : 0));
    big_shift(&p->s, extra + (e < 0 ? (unsigned)-e : 0));
    big_shift(&p->low, e > 0 ? (unsigned)e : 0);
    if (*exponent >= 0) {
        big_mul_pow10(&p->s, (unsigned)*exponent);
    } else {
        big_mul_pow10(&p->r, (unsigned)-*exponent);
        big_mul_pow10(&p->low, (unsigned)-*exponent);
    }
    while (over_high(p)) {
        big_mul_add(&p->s, 10, 0);
        (*exponent)++;
    }
}

static uint8_t next_digit(shortest *p)
{
    uint8_t digit = 0;

    big_mul_add(&p->r, 10, 0);
    big_mul_add(&p->low, 10, 0);
    while (big_compare(&p->r, &p->s) >= 0) {
        big_subtract(&p->r, &p->s);
        digit++;
    }
    return digit;
}

size_t tsr_number_shortest(double v, uint8_t digits[17], int *exponent)
{
    shortest p;
    uint64_t bits;
    size_t n = 0;

    memcpy(&bits, &v, sizeof bits);

    int biased = (int)(bits >> FRACTION & 2047);
    uint64_t f = bits & ((UINT64_C(1) << FRACTION) - 1);

    if (biased != 0)
        f |= UINT64_C(1) << FRACTION;
    shortest_begin(&p, f, biased != 0 ? biased - 1075 : LEAST, exponent);

    for (;;) {
        uint8_t digit = next_digit(&p);
        bool low = under_low(&p), high = over_high(&p);

        if (low && high) { /* both neighbours read back: the nearer one */
            big_shift(&p.r, 1);
            high = big_compare(&p.r, &p.s) >= 0;
        }
        digits[n++] = (uint8_t)('0' + digit + (high ? 1 : 0));
        if (low || high || n == 17)
            return n;
    }
}
