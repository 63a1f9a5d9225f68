/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/lwm2m/client/attributes.h"

static const char *const names[TSR_LWM2M_ATTRIBUTE_COUNT] = {
    "pmin", "pmax", "epmin", "epmax", "con", "hqmax", "edge", "gt", "lt", "st",
};

enum { CON = 4, EDGE = 6, GT = 0, LT = 1, ST = 2, REAL_DIGITS = 15 };

/* Written so because compilers rightly warn of == between doubles. */
static bool same(double a, double b)
{
    return a >= b && a <= b;
}

static bool is_number(uint8_t type)
{
    return type == TSR_LWM2M_INTEGER || type == TSR_LWM2M_UNSIGNED || type == TSR_LWM2M_FLOAT ||
           type == TSR_LWM2M_TIME;
}

/* Core 5.1.2: thresholds belong to numbers and edge to Booleans, one resource (instance) each. */
static bool fits(size_t which, uint8_t depth, const tsr_lwm2m_resource_info *info)
{
    if (which < EDGE)
        return true;
    if (depth < 3 || info == NULL)
        return false;
    return which == EDGE ? info->type == TSR_LWM2M_BOOLEAN : is_number(info->type);
}

static tsr_err read_whole(size_t which, tsr_bytes text, uint32_t *v)
{
    uint64_t n;

    if (tsr_dec(text, &n) != TSR_OK || n > UINT32_MAX)
        return TSR_E_ARGUMENT;
    if ((which == CON || which == EDGE) && n > 1)
        return TSR_E_ARGUMENT;
    *v = (uint32_t)n;
    return TSR_OK;
}

/* Digits, then digits behind a point: a whole number of at most 15 digits over a power of ten, both
 * exact in a double, so that the quotient is the nearest one there is. The syntax has no sign; it is
 * taken all the same, since a temperature has a threshold below zero. */
static tsr_err read_real(tsr_bytes text, double *v)
{
    bool minus = text.len != 0 && text.ptr[0] == '-', point = false;
    uint64_t digits = 0;
    double over = 1;
    size_t i = minus, count = 0;

    for (; i < text.len; i++) {
        uint8_t ch = text.ptr[i];

        if (ch == '.' && !point && count != 0) {
            point = true;
            continue;
        }
        if (ch < '0' || ch > '9' || ++count > REAL_DIGITS)
            return TSR_E_ARGUMENT;
        digits = digits * 10 + (ch - (uint64_t)'0');
        over *= point ? 10 : 1;
    }
    if (count == 0 || text.ptr[text.len - 1] == '.')
        return TSR_E_ARGUMENT;
    *v = (double)digits / over;
    if (minus)
        *v = -*v;
    return TSR_OK;
}

/* With as many decimals as it takes to read the same number back. */
static void put_real(tsr_buf *out, double v)
{
    double over = 1;
    uint64_t digits;
    unsigned decimals = 0;

    if (v < 0) {
        tsr_put_u8(out, '-');
        v = -v;
    }
    while (decimals < REAL_DIGITS && !same((double)(uint64_t)(v * over + 0.5) / over, v)) {
        over *= 10;
        decimals++;
    }
    digits = (uint64_t)(v * over + 0.5);
    tsr_put_dec(out, digits / (uint64_t)over);
    if (decimals == 0)
        return;
    tsr_put_u8(out, '.');
    digits %= (uint64_t)over;
    while (decimals-- > 0) {
        over /= 10;
        tsr_put_u8(out, (uint8_t)('0' + digits / (uint64_t)over % 10));
    }
}

static size_t name_find(tsr_bytes name)
{
    size_t i = 0;

    while (i < TSR_LWM2M_ATTRIBUTE_COUNT && !tsr_same(name, tsr_text(names[i])))
        i++;
    return i;
}

tsr_err tsr_lwm2m_attribute_apply(tsr_lwm2m_attributes *attributes, uint8_t depth,
                                  const tsr_lwm2m_resource_info *info, tsr_bytes query)
{
    const uint8_t *equals = query.len != 0 ? memchr(query.ptr, '=', query.len) : NULL;
    size_t name_len = equals != NULL ? (size_t)(equals - query.ptr) : query.len;
    tsr_bytes value = tsr_skip(query, name_len + 1);
    size_t which = name_find(tsr_first(query, name_len));
    tsr_err err;

    if (which == TSR_LWM2M_ATTRIBUTE_COUNT || !fits(which, depth, info))
        return TSR_E_ARGUMENT;
    if (value.len == 0) {
        attributes->set = (uint16_t)(attributes->set & ~(1u << which));
        return TSR_OK;
    }
    if (which < TSR_LWM2M_WHOLE_COUNT)
        err = read_whole(which, value, &attributes->whole[which]);
    else
        err = read_real(value, &attributes->real[which - TSR_LWM2M_WHOLE_COUNT]);
    if (err == TSR_OK)
        attributes->set = (uint16_t)(attributes->set | 1u << which);
    return err;
}

tsr_err tsr_lwm2m_attributes_check(const tsr_lwm2m_attributes *a)
{
    bool both = (~a->set & (TSR_LWM2M_GT | TSR_LWM2M_LT)) == 0;
    double step = tsr_lwm2m_attribute_has(a, TSR_LWM2M_ST) ? a->real[ST] : 0;

    if (step < 0 || (both && !(a->real[LT] < a->real[GT])))
        return TSR_E_ARGUMENT;
    if (both && !(a->real[LT] + 2 * step < a->real[GT]))
        return TSR_E_ARGUMENT;
    if ((~a->set & (TSR_LWM2M_EPMIN | TSR_LWM2M_EPMAX)) == 0 && a->whole[2] >= a->whole[3])
        return TSR_E_ARGUMENT;
    return TSR_OK;
}

void tsr_lwm2m_attributes_inherit(tsr_lwm2m_attributes *a, const tsr_lwm2m_attributes *outer)
{
    const unsigned missing = outer->set & ~(unsigned)a->set;

    for (size_t i = 0; i < TSR_LWM2M_WHOLE_COUNT; i++)
        if ((missing >> i & 1) != 0)
            a->whole[i] = outer->whole[i];
    for (size_t i = TSR_LWM2M_WHOLE_COUNT; i < TSR_LWM2M_ATTRIBUTE_COUNT; i++)
        if ((missing >> i & 1) != 0)
            a->real[i - TSR_LWM2M_WHOLE_COUNT] = outer->real[i - TSR_LWM2M_WHOLE_COUNT];
    a->set = (uint16_t)(a->set | outer->set);
}

void tsr_lwm2m_attributes_put(tsr_buf *out, const tsr_lwm2m_attributes *a)
{
    for (size_t i = 0; i < TSR_LWM2M_ATTRIBUTE_COUNT; i++) {
        if ((a->set >> i & 1) == 0)
            continue;
        tsr_put_u8(out, ';');
        tsr_put_text(out, names[i]);
        tsr_put_u8(out, '=');
        if (i < TSR_LWM2M_WHOLE_COUNT) {
            tsr_put_dec(out, a->whole[i]);
        } else {
            put_real(out, a->real[i - TSR_LWM2M_WHOLE_COUNT]);
        }
    }
}

void tsr_lwm2m_attributes_save(tsr_buf *out, const tsr_lwm2m_attributes *a)
{
    tsr_put_u16(out, a->set);
    for (size_t i = 0; i < TSR_LWM2M_ATTRIBUTE_COUNT; i++) {
        if ((a->set >> i & 1) == 0)
            continue;
        if (i < TSR_LWM2M_WHOLE_COUNT) {
            tsr_put_u32(out, a->whole[i]);
        } else {
            uint64_t bits;

            memcpy(&bits, &a->real[i - TSR_LWM2M_WHOLE_COUNT], sizeof bits);
            tsr_put_u64(out, bits);
        }
    }
}

tsr_err tsr_lwm2m_attributes_load(tsr_bytes *in, tsr_lwm2m_attributes *attributes)
{
    tsr_lwm2m_attributes a = { 0 };
    tsr_err err = tsr_get_u16(in, &a.set);

    for (size_t i = 0; err == TSR_OK && i < TSR_LWM2M_ATTRIBUTE_COUNT; i++) {
        uint64_t bits;

        if ((a.set >> i & 1) == 0)
            continue;
        if (i < TSR_LWM2M_WHOLE_COUNT) {
            err = tsr_get_u32(in, &a.whole[i]);
        } else if ((err = tsr_get_u64(in, &bits)) == TSR_OK) {
            memcpy(&a.real[i - TSR_LWM2M_WHOLE_COUNT], &bits, sizeof bits);
        }
    }
    if (err == TSR_OK && a.set >> TSR_LWM2M_ATTRIBUTE_COUNT != 0)
        err = TSR_E_MALFORMED;
    if (err == TSR_OK)
        *attributes = a;
    return err;
}

static bool as_number(const tsr_lwm2m_value *value, double *v)
{
    switch (value->type) {
    case TSR_LWM2M_INTEGER:
    case TSR_LWM2M_TIME:     *v = (double)value->as.i; return true;
    case TSR_LWM2M_UNSIGNED: *v = (double)value->as.u; return true;
    case TSR_LWM2M_FLOAT:    *v = value->as.f; return true;
    default:                 return false;
    }
}

static bool crosses(double threshold, double last, double now)
{
    return (last <= threshold && now > threshold) || (last >= threshold && now < threshold);
}

bool tsr_lwm2m_attributes_fire(const tsr_lwm2m_attributes *a, const tsr_lwm2m_value *last,
                               const tsr_lwm2m_value *now)
{
    const unsigned thresholds = TSR_LWM2M_GT | TSR_LWM2M_LT | TSR_LWM2M_ST;
    double from, to;

    if (tsr_lwm2m_attribute_has(a, TSR_LWM2M_EDGE) && now->type == TSR_LWM2M_BOOLEAN)
        return last->as.b != now->as.b && now->as.b == (a->whole[EDGE] == 1);
    if (!tsr_lwm2m_attribute_has(a, thresholds) || !as_number(last, &from) || !as_number(now, &to))
        return !tsr_lwm2m_value_same(last, now);
    if (tsr_lwm2m_attribute_has(a, TSR_LWM2M_GT) && crosses(a->real[GT], from, to))
        return true;
    if (tsr_lwm2m_attribute_has(a, TSR_LWM2M_LT) && crosses(a->real[LT], from, to))
        return true;
    return tsr_lwm2m_attribute_has(a, TSR_LWM2M_ST) && (to > from ? to - from : from - to) >= a->real[ST];
}
