/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/moment.h"

#include "tessera/base/date.h"

#define DAY_S   86400
#define FIRST_S (-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_S  253402300799   /* 9999-12-31T23:59:59Z */

/* The proleptic Gregorian calendar in eras of 400 years; a year begins in March, so that the
 * leap day is its last. */
static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;

    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

static void put_digits(tsr_buf *out, int64_t v, int count)
{
    uint8_t *p = tsr_buf_claim(out, (size_t)count);

    for (int i = count; p != NULL && i-- > 0; v /= 10)
        p[i] = (uint8_t)('0' + v % 10);
}

static void put_seconds(tsr_buf *out, int64_t unix_s)
{
    int64_t days = unix_s / DAY_S - (unix_s % DAY_S < 0), second = unix_s - days * DAY_S;
    int64_t year, month, day;

    date_of(days, &year, &month, &day);
    put_digits(out, year, 4);
    tsr_put_u8(out, '-');
    put_digits(out, month, 2);
    tsr_put_u8(out, '-');
    put_digits(out, day, 2);
    tsr_put_u8(out, 'T');
    put_digits(out, second / 3600, 2);
    tsr_put_u8(out, ':');
    put_digits(out, second / 60 % 60, 2);
    tsr_put_u8(out, ':');
    put_digits(out, second % 60, 2);
}

bool rest_moment_fits(int64_t unix_s) { return unix_s >= FIRST_S && unix_s <= LAST_S; }

void rest_put_moment_s(tsr_buf *out, int64_t unix_s)
{
    put_seconds(out, unix_s);
    tsr_put_u8(out, 'Z');
}

void rest_put_moment_ms(tsr_buf *out, int64_t unix_ms)
{
    int64_t second = unix_ms / 1000 - (unix_ms % 1000 < 0), ms = unix_ms - second * 1000;

    if (!rest_moment_fits(second)) {
        second = second < 0 ? FIRST_S : LAST_S;
        ms = 0;
    }
    put_seconds(out, second);
    tsr_put_u8(out, '.');
    put_digits(out, ms, 3);
    tsr_put_u8(out, 'Z');
}

static bool take_digits(tsr_bytes *in, size_t count, int64_t *v)
{
    uint64_t n;

    if (in->len < count || tsr_dec(tsr_first(*in, count), &n) != TSR_OK)
        return false;
    *in = tsr_skip(*in, count);
    *v = (int64_t)n;
    return true;
}

static bool take(tsr_bytes *in, const char *any_of)
{
    if (in->len == 0 || in->ptr[0] == 0 || strchr(any_of, in->ptr[0]) == NULL)
        return false;
    *in = tsr_skip(*in, 1);
    return true;
}

static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    return tsr_date_days((int32_t)year, (int32_t)month, (int32_t)day);
}

static int64_t days_in(int64_t year, int64_t month)
{
    return days_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
           days_of(year, month, 1);
}

/* "Z", "+hh:mm" or "-hh:mm" */
static bool take_offset(tsr_bytes *in, int64_t *offset_s)
{
    int64_t hour, minute;
    bool west = in->len > 0 && in->ptr[0] == '-';

    *offset_s = 0;
    if (take(in, "Zz"))
        return true;
    if (!take(in, "+-") || !take_digits(in, 2, &hour) || !take(in, ":") ||
        !take_digits(in, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *offset_s = (hour * 60 + minute) * 60 * (west ? -1 : 1);
    return true;
}

static bool take_fraction(tsr_bytes *in, int64_t *ms)
{
    int64_t digit, scale = 100;
    size_t before;

    *ms = 0;
    if (!take(in, "."))
        return true;
    before = in->len;
    for (; take_digits(in, 1, &digit); scale /= 10)
        *ms += digit * scale;
    return in->len < before;
}

tsr_err rest_get_moment_ms(tsr_bytes text, int64_t *unix_ms)
{
    int64_t year, month, day, hour, minute, second, ms, offset;

    if (!take_digits(&text, 4, &year) || !take(&text, "-") || !take_digits(&text, 2, &month) ||
        !take(&text, "-") || !take_digits(&text, 2, &day) || !take(&text, "Tt ") ||
        !take_digits(&text, 2, &hour) || !take(&text, ":") || !take_digits(&text, 2, &minute) ||
        !take(&text, ":") || !take_digits(&text, 2, &second) || !take_fraction(&text, &ms) ||
        !take_offset(&text, &offset) || text.len != 0)
        return TSR_E_MALFORMED;
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 ||
        minute > 59 || second > 60)
        return TSR_E_MALFORMED;
    *unix_ms =
        (days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second - offset) * 1000 +
        ms;
    return TSR_OK;
}
