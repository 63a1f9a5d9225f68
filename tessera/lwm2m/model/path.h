/* SPDX-License-Identifier: Apache-2.0
 *
 * Where something is in a device: /object/instance/resource/resource-instance. */
#ifndef TESSERA_LWM2M_MODEL_PATH_H
#define TESSERA_LWM2M_MODEL_PATH_H

#include "tessera/base/bytes.h"

enum {
    TSR_LWM2M_NO_ID = 65535,   /* reserved: "no instance", or "the client chooses" in a Create */
    TSR_LWM2M_PATH_TEXT = 24,  /* bytes of the longest printed path: "/65535" four times */
};

/** A path of zero (the root, for composite operations) to four identifiers.
 *  Identifiers at or beyond `depth` carry no meaning; the constructors below set them to 0. */
typedef struct {
    _Alignas(uint32_t) uint16_t object; /* so that it is copied in words */
    uint16_t instance, resource, resource_instance;
    uint8_t depth;
} tsr_lwm2m_path;

static inline tsr_lwm2m_path tsr_lwm2m_at_root(void)
{
    return (tsr_lwm2m_path){ .depth = 0 };
}

static inline tsr_lwm2m_path tsr_lwm2m_at_object(uint16_t object)
{
    return (tsr_lwm2m_path){ .object = object, .depth = 1 };
}

static inline tsr_lwm2m_path tsr_lwm2m_at_instance(uint16_t object, uint16_t instance)
{
    return (tsr_lwm2m_path){ .object = object, .instance = instance, .depth = 2 };
}

static inline tsr_lwm2m_path tsr_lwm2m_at_resource(uint16_t object, uint16_t instance,
                                                   uint16_t resource)
{
    return (tsr_lwm2m_path){ .object = object, .instance = instance, .resource = resource,
                             .depth = 3 };
}

static inline tsr_lwm2m_path tsr_lwm2m_at_resource_instance(uint16_t object, uint16_t instance,
                                                            uint16_t resource,
                                                            uint16_t resource_instance)
{
    return (tsr_lwm2m_path){ .object = object, .instance = instance, .resource = resource,
                             .resource_instance = resource_instance, .depth = 4 };
}

/** The identifier at `level` (0 object ... 3 resource instance); `level` must be below 4. */
static inline uint16_t tsr_lwm2m_path_id(tsr_lwm2m_path path, uint8_t level)
{
    uint16_t id;

    memcpy(&id, (const uint8_t *)&path + level * sizeof id, sizeof id);
    return id;
}

/** The first `depth` identifiers of the path; the whole path when it has fewer. */
tsr_lwm2m_path tsr_lwm2m_path_up(tsr_lwm2m_path path, uint8_t depth);

/** The path one level further down; `path` must be less than four deep. */
tsr_lwm2m_path tsr_lwm2m_path_down(tsr_lwm2m_path path, uint16_t id);

/** Adds one identifier from its text, as it stands in a Uri-Path option.
 *
 *  source  Core: identifiers are decimal, 0 to 65535; leading zeros would give one thing two
 *          names, so they are refused
 *  errors  TSR_E_MALFORMED  no such number, or the path is four deep; `path` is unchanged
 */
tsr_err tsr_lwm2m_path_push(tsr_lwm2m_path *path, tsr_bytes segment);

/** Reads "/3/0/9". "" and "/" are the root; the leading slash and one trailing slash may be
 *  missing or present (SenML base names end in one).
 *
 *  errors  TSR_E_MALFORMED  anything else, or more than four identifiers; `path` is unchanged
 */
tsr_err tsr_lwm2m_path_parse(tsr_bytes text, tsr_lwm2m_path *path);

enum { TSR_LWM2M_ROOT_MAX = 56 }; /* bytes of an alternate path */

/** May objects stand below this alternate path? Empty, or segments like "/lwm2m", each with a letter and beside
 *  letters digits, "-", ".", "_" and "~" alone, so that it needs no escapes anywhere; at most TSR_LWM2M_ROOT_MAX bytes.
 *  source  Transport 6.4.1 (no segment is a number) */
bool tsr_lwm2m_root_is_good(tsr_bytes root);

/** Prints "/3/0/9"; the root is "/". */
void tsr_lwm2m_path_put(tsr_buf *out, tsr_lwm2m_path path);

/** The identifiers as one number in the order of the struct, so that a compiler may load them at
 *  once; those beyond the depth are in it too. */
static inline uint64_t tsr_lwm2m_path_word(tsr_lwm2m_path path)
{
    return path.object | (uint64_t)path.instance << 16 | (uint64_t)path.resource << 32 |
           (uint64_t)path.resource_instance << 48;
}

/** The path again. */
static inline tsr_lwm2m_path tsr_lwm2m_path_of(uint64_t word, unsigned depth)
{
    return (tsr_lwm2m_path){ .object = (uint16_t)word, .instance = (uint16_t)(word >> 16),
                             .resource = (uint16_t)(word >> 32),
                             .resource_instance = (uint16_t)(word >> 48),
                             .depth = (uint8_t)depth };
}

/** True if `inner` is `outer` or lies below it; the root contains everything. */
bool tsr_lwm2m_path_within(const tsr_lwm2m_path *outer, const tsr_lwm2m_path *inner);

static inline bool tsr_lwm2m_path_contains(tsr_lwm2m_path outer, tsr_lwm2m_path inner)
{
    return tsr_lwm2m_path_within(&outer, &inner);
}

/** Orders as a tree walk does (a parent before its children): negative, 0 or positive. */
int tsr_lwm2m_path_compare(tsr_lwm2m_path a, tsr_lwm2m_path b);

static inline bool tsr_lwm2m_path_is(const tsr_lwm2m_path *a, const tsr_lwm2m_path *b)
{
    return a->depth == b->depth && tsr_lwm2m_path_within(a, b);
}

static inline bool tsr_lwm2m_path_same(tsr_lwm2m_path a, tsr_lwm2m_path b)
{
    return tsr_lwm2m_path_is(&a, &b);
}

#endif
