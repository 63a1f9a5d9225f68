/* SPDX-License-Identifier: Apache-2.0
 *
 * Members of a profile, and why they are refused. */
#include "server/bootstrap/profile_in.h"

#include <stdarg.h>
#include <stdio.h>

tsr_err bs_bad(const reading *r, const char *format, ...)
{
    va_list args;
    int n = snprintf(r->why, r->why_cap, "%s%s", r->where, r->where[0] ? ": " : "");

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(r->why + n, r->why_cap - (size_t)n, format, args);
    va_end(args);
    return TSR_E_ARGUMENT;
}

/* `names` ends with NULL. */
tsr_err bs_only(const reading *r, const tsr_json *object, const char *const *names)
{
    tsr_json key, item;
    tsr_json_walk walk = tsr_json_items(object);

    if (object->kind != TSR_JSON_OBJECT)
        return bs_bad(r, "it must be an object");
    while (tsr_json_next(&walk, &key, &item)) {
        size_t i = 0;

        while (names[i] && !tsr_json_is(&key, names[i]))
            i++;
        if (!names[i])
            return bs_bad(r, "there is no member %.*s; remove it, or see BootstrapProfile in "
                          "/api/v1/openapi.yaml",
                       (int)(key.text.len < 40 ? key.text.len : 40),
                       (const char *)key.text.ptr);
    }
    return TSR_OK;
}

tsr_err bs_flag(const reading *r, const tsr_json *object, const char *name, bool *out)
{
    tsr_err err = tsr_json_find_bool(object, name, out);

    return err == TSR_OK || err == TSR_E_NOT_FOUND ? TSR_OK
                                                   : bs_bad(r, "`%s` must be true or false", name);
}

tsr_err bs_number(const reading *r, const tsr_json *object, const char *name, uint64_t min,
                  uint64_t max, int64_t *out)
{
    uint64_t n = 0;
    tsr_err err = tsr_json_find_uint(object, name, &n);

    if (err == TSR_E_NOT_FOUND)
        return TSR_OK;
    if (err != TSR_OK || n < min || n > max)
        return bs_bad(r, "`%s` must be a whole number from %llu to %llu", name,
                      (unsigned long long)min, (unsigned long long)max);
    *out = (int64_t)n;
    return TSR_OK;
}

bool bs_given(const tsr_json *object, const char *name)
{
    tsr_json value;

    return tsr_json_find(object, name, &value) == TSR_OK;
}
