/* SPDX-License-Identifier: Apache-2.0
 *
 * Errors, slices and writers: the words every other room speaks. */
#ifndef TESSERA_BASE_BYTES_H
#define TESSERA_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum {
    TSR_OK = 0,
    TSR_END = 1,            /* nothing more; not a failure */
    TSR_E_MALFORMED = -1,   /* the peer's bytes break the format */
    TSR_E_SPACE = -2,       /* the caller's buffer or pool is too small */
    TSR_E_NOT_FOUND = -3,   /* no such object, instance, resource or entry */
    TSR_E_DENIED = -4,      /* the operation is not allowed on that target */
    TSR_E_TYPE = -5,        /* a value of the wrong type or out of range */
    TSR_E_UNSUPPORTED = -6, /* well formed, but not something we do */
    TSR_E_EXISTS = -7,      /* the entry to create is already there */
    TSR_E_STATE = -8,       /* the call does not fit the state of the context */
    TSR_E_IO = -9,          /* the platform below failed (storage, system call) */
    TSR_E_CRYPTO = -10,     /* authentication or another PSA call failed */
    TSR_E_ARGUMENT = -11,   /* the caller broke the contract */
} tsr_err;

/** A short English name, for logs and tests; never NULL. */
const char *tsr_err_name(tsr_err err);

/** A view of bytes; owns nothing. */
typedef struct {
    const uint8_t *ptr;
    size_t len;
} tsr_bytes;

/** A writer over memory that the caller owns.
 *  After the first failure `err` is set and later writes do nothing. */
typedef struct {
    uint8_t *ptr;
    size_t len, cap; /* bytes written, bytes available */
    tsr_err err;
} tsr_buf;

static inline tsr_bytes tsr_view(const void *ptr, size_t len)
{
    return (tsr_bytes){ (const uint8_t *)ptr, len };
}

static inline tsr_bytes tsr_text(const char *zero_terminated)
{
    return (tsr_bytes){ (const uint8_t *)zero_terminated, strlen(zero_terminated) };
}

/** The slice without its first `n` bytes; empty when it has fewer. The pointer goes forward by what
 *  was skipped, to the end if that is all, so the difference of two pointers is a position. */
static inline tsr_bytes tsr_skip(tsr_bytes in, size_t n)
{
    size_t skipped = n < in.len ? n : in.len;

    /* even adding 0 to NULL is undefined */
    return (tsr_bytes){ skipped > 0 ? in.ptr + skipped : in.ptr, in.len - skipped };
}

/** The first `n` bytes; all of them when there are fewer. */
static inline tsr_bytes tsr_first(tsr_bytes in, size_t n)
{
    return (tsr_bytes){ in.ptr, n < in.len ? n : in.len };
}

static inline bool tsr_same(tsr_bytes a, tsr_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/** Compares in time that depends on the lengths only; for secrets and tags. */
bool tsr_same_secret(tsr_bytes a, tsr_bytes b);

/** Overwrites memory in a way the compiler must not remove. */
void tsr_wipe(void *ptr, size_t len);

static inline tsr_buf tsr_buf_over(void *ptr, size_t cap)
{
    return (tsr_buf){ (uint8_t *)ptr, 0, cap, TSR_OK };
}

static inline tsr_bytes tsr_buf_view(const tsr_buf *out)
{
    return (tsr_bytes){ out->ptr, out->len };
}

/** Claims `n` bytes to be filled by the caller.
 *  errors  NULL when they do not fit (then out->err is TSR_E_SPACE) or the writer had failed */
uint8_t *tsr_buf_claim(tsr_buf *out, size_t n);

/* Writers; every one does nothing once out->err is set. Big-endian. */
void tsr_put_bytes(tsr_buf *out, tsr_bytes in);
void tsr_put_text(tsr_buf *out, const char *zero_terminated);
void tsr_put_u8(tsr_buf *out, uint8_t v);
void tsr_put_u16(tsr_buf *out, uint16_t v);
void tsr_put_u32(tsr_buf *out, uint32_t v);
void tsr_put_u64(tsr_buf *out, uint64_t v);
void tsr_put_dec(tsr_buf *out, uint64_t v);  /* decimal digits */
void tsr_put_sdec(tsr_buf *out, int64_t v);  /* decimal digits, minus sign if negative */

/* Readers; big-endian; `in` moves forward on success and is unchanged on TSR_E_MALFORMED (too short). */
tsr_err tsr_get_u8(tsr_bytes *in, uint8_t *v);
tsr_err tsr_get_u16(tsr_bytes *in, uint16_t *v);
tsr_err tsr_get_u32(tsr_bytes *in, uint32_t *v);
tsr_err tsr_get_u64(tsr_bytes *in, uint64_t *v);
tsr_err tsr_get_bytes(tsr_bytes *in, size_t n, tsr_bytes *v);

/** Reads the whole slice as an unsigned decimal number.
 *  errors  TSR_E_MALFORMED  empty, a byte that is no digit, or above UINT64_MAX */
tsr_err tsr_dec(tsr_bytes in, uint64_t *v);

/** The same, up to `most`. */
tsr_err tsr_dec_upto(tsr_bytes in, uint32_t most, uint32_t *v);

/** The same with an optional leading minus sign; INT64_MIN to INT64_MAX. */
tsr_err tsr_sdec(tsr_bytes in, int64_t *v);

#endif
