/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON, read and written in place (RFC 8259). A document is checked once as a whole; after that
 * a value is a slice of it, and walking it needs no memory. */
#ifndef TESSERA_JSON_JSON_H
#define TESSERA_JSON_JSON_H

#include "tessera/base/bytes.h"

enum {
    TSR_JSON_DEPTH = 32, /* arrays and objects inside each other, reading and writing */
};

typedef enum {
    TSR_JSON_NULL,
    TSR_JSON_FALSE,
    TSR_JSON_TRUE,
    TSR_JSON_NUMBER,
    TSR_JSON_STRING,
    TSR_JSON_ARRAY,
    TSR_JSON_OBJECT,
} tsr_json_kind;

/** A value: its kind and its text, with quotes and brackets. Points into the document. */
typedef struct {
    tsr_json_kind kind;
    tsr_bytes text;
} tsr_json;

/* ---- reading ------------------------------------------------------------------------------ */

/** Checks a whole document and gives its outermost value. Everything below works on values that
 *  came out of this call, and cannot find a syntax error any more.
 *
 *  source  RFC 8259 §2 to §9 (text is UTF-8, strings hold no lone surrogate)
 *  owner   root->text points into the document
 *  errors  TSR_E_MALFORMED    not one JSON value with white space around it; if `error_at` is not
 *                             NULL it gets the offset of the first byte that does not fit
 *          TSR_E_UNSUPPORTED  nested deeper than TSR_JSON_DEPTH
 */
tsr_err tsr_json_parse(tsr_bytes document, tsr_json *root, size_t *error_at);

/** A walk over an array or object:
 *      tsr_json_walk walk = tsr_json_items(&value);
 *      while (tsr_json_next(&walk, &key, &item)) ...
 *  Of anything else it finds no item. */
typedef struct {
    tsr_bytes rest; /* private */
    bool pairs;     /* private */
} tsr_json_walk;

tsr_json_walk tsr_json_items(const tsr_json *container);

/** The next item. `key` (a string value, with quotes) is set for objects; both may be NULL. */
bool tsr_json_next(tsr_json_walk *walk, tsr_json *key, tsr_json *item);

/** The member of that name; the last one if it stands there several times.
 *  errors  TSR_E_NOT_FOUND  no such member;  TSR_E_TYPE  not an object */
tsr_err tsr_json_find(const tsr_json *object, const char *name, tsr_json *item);

/** Items of an array, members of an object; 0 for anything else. */
size_t tsr_json_count(const tsr_json *container);

/** True if the value is a string with this content. */
bool tsr_json_is(const tsr_json *string, const char *content);

/* Typed values. errors  TSR_E_TYPE  another kind, out of range, or (whole numbers) a fraction.
 * 1.0 and 1e3 are whole numbers. */
tsr_err tsr_json_int(const tsr_json *v, int64_t *out);
tsr_err tsr_json_uint(const tsr_json *v, uint64_t *out);
tsr_err tsr_json_double(const tsr_json *v, double *out);
tsr_err tsr_json_bool(const tsr_json *v, bool *out);

/** The content of a string, as UTF-8 and without escapes.
 *
 *  owner   *out points into the document, or into `scratch` (appended to) if there were escapes;
 *          no content is longer than its text
 *  errors  TSR_E_TYPE  not a string;  TSR_E_SPACE  scratch is too small, or NULL and needed
 */
tsr_err tsr_json_string(const tsr_json *v, tsr_buf *scratch, tsr_bytes *out);

/** The same into memory of the caller, with a zero byte behind it: for names and options.
 *  errors  TSR_E_TYPE (also if it contains a zero byte), TSR_E_SPACE */
tsr_err tsr_json_cstring(const tsr_json *v, char *out, size_t cap);

/* Shorthands for configuration and requests: the member of that name, typed.
 * errors  TSR_E_NOT_FOUND  absent or null; otherwise as above */
tsr_err tsr_json_find_int(const tsr_json *object, const char *name, int64_t *out);
tsr_err tsr_json_find_uint(const tsr_json *object, const char *name, uint64_t *out);
tsr_err tsr_json_find_double(const tsr_json *object, const char *name, double *out);
tsr_err tsr_json_find_bool(const tsr_json *object, const char *name, bool *out);
tsr_err tsr_json_find_cstring(const tsr_json *object, const char *name, char *out, size_t cap);

/* ---- writing ------------------------------------------------------------------------------ */

/** A writer that puts the commas and colons. Errors are kept in out->err: TSR_E_STATE for calls
 *  that make no JSON (a value without key in an object, a close too many), TSR_E_TYPE for
 *  numbers JSON cannot say (NaN, infinity), TSR_E_UNSUPPORTED above TSR_JSON_DEPTH. */
typedef struct {
    tsr_buf *out;
    /* private */
    uint32_t objects, filled; /* one bit for each open level */
    uint8_t depth;
    bool after_key, done;
} tsr_json_out;

tsr_json_out tsr_json_to(tsr_buf *out);

void tsr_json_open_object(tsr_json_out *j);
void tsr_json_open_array(tsr_json_out *j);
void tsr_json_close(tsr_json_out *j); /* the innermost object or array */
void tsr_json_put_key(tsr_json_out *j, const char *name);
void tsr_json_put_key_bytes(tsr_json_out *j, tsr_bytes name);

/** Text is escaped where RFC 8259 §7 demands it; bytes that are no UTF-8 become U+FFFD. */
void tsr_json_put_string(tsr_json_out *j, tsr_bytes utf8);
void tsr_json_put_cstring(tsr_json_out *j, const char *zero_terminated);
void tsr_json_put_int(tsr_json_out *j, int64_t v);
void tsr_json_put_uint(tsr_json_out *j, uint64_t v);
void tsr_json_put_double(tsr_json_out *j, double v);
void tsr_json_put_bool(tsr_json_out *j, bool v);
void tsr_json_put_null(tsr_json_out *j);
void tsr_json_put_raw(tsr_json_out *j, tsr_bytes json); /* one value, already JSON */

/** TSR_OK if exactly one complete value was written, else the first error or TSR_E_STATE. */
tsr_err tsr_json_end(tsr_json_out *j);

#endif
