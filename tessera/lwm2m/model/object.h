/* SPDX-License-Identifier: Apache-2.0
 *
 * An object is a constant table (info.h) and one switch per operation over typed values.
 * Formats, access rights, attributes and notifications are the client's business. */
#ifndef TESSERA_LWM2M_MODEL_OBJECT_H
#define TESSERA_LWM2M_MODEL_OBJECT_H

#include "tessera/lwm2m/format/format.h"
#include "tessera/lwm2m/model/info.h"

/** A change is asked for twice: CHECK must change nothing and says whether it can be done;
 *  COMMIT does it and must then succeed. So a request with many values happens as a whole or
 *  not at all (Core 6.3.3). Between the two calls nothing else reaches the object. */
typedef enum { TSR_LWM2M_CHECK, TSR_LWM2M_COMMIT } tsr_lwm2m_phase;

enum { TSR_LWM2M_NO_INSTANCE = 0x10000 }; /* what next_instance answers at the end */

/** The operations of one object. Handlers get `state` first; the caller has checked that the
 *  path is in the table, that the operation is allowed there, and (but for create and a CHECK
 *  that belongs to a create) that the instance exists. A NULL handler means "none of it".
 *
 *  errors  TSR_E_NOT_FOUND  4.04; in read: the resource has no value at the moment
 *          TSR_E_TYPE       4.00; the value is out of the resource's range
 *          TSR_E_ARGUMENT   4.00; Execute arguments that the resource does not take
 *          TSR_E_DENIED     4.05; not in this state, or not on this instance
 *          TSR_E_SPACE      5.00; no room left (create: 4.05 is TSR_E_DENIED)
 *          any other        5.00
 */
typedef struct {
    /** The lowest instance id that is `from` or above, or TSR_LWM2M_NO_INSTANCE.
     *  NULL: there is instance 0 and no other. */
    uint32_t (*next_instance)(const void *state, uint32_t from);

    /** Core 6.3.1. Puts one resource. A multiple resource puts every instance when `at` is 3
     *  deep, and only that one when it is 4 deep: see tsr_lwm2m_wanted(). */
    tsr_err (*read)(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out);

    /** The same for all that can be read in an instance (`at` is 2 deep), in the order of the
     *  table; what has no value is left out and is no error. NULL: read is asked for each. */
    tsr_err (*read_all)(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out);

    /** Core 6.3.3. Sets a resource (depth 3) or a resource instance (depth 4). `value` has the
     *  type of the table and is valid during the call; NULL removes what is there or takes it
     *  back to its default (a Replace that does not mention it; at depth 4, a Write-Composite
     *  that deletes this one, which need not be there), TSR_E_DENIED if it must stay. */
    tsr_err (*write)(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase);

    /** Core 6.3.5. `arguments` is well formed; see tsr_lwm2m_argument_next(). */
    tsr_err (*execute)(void *state, tsr_lwm2m_path at, tsr_bytes arguments);

    /** Core 6.3.6. Makes an instance; its values follow as writes of the same phase. */
    tsr_err (*create)(void *state, uint16_t instance, tsr_lwm2m_phase phase);

    /** Core 6.3.7. Removes an instance. */
    tsr_err (*remove)(void *state, uint16_t instance);

    /** Appends what servers have written and a restart must not lose; load takes it back.
     *  load sees bytes from an older version or a damaged file: TSR_E_MALFORMED, state unchanged
     *  or at its defaults. */
    void (*save)(const void *state, tsr_buf *out);
    tsr_err (*load)(void *state, tsr_bytes in);
} tsr_lwm2m_handlers;

/** One object as it is placed in the registry. */
typedef struct {
    const tsr_lwm2m_object_info *info; /* with the resources that this implementation has */
    const tsr_lwm2m_handlers *handlers;
    void *state;
} tsr_lwm2m_object;

/** The objects of a device, ascending by object id, placed by the caller. */
typedef struct {
    const tsr_lwm2m_object *objects;
    size_t count;
} tsr_lwm2m_registry;

/** True if a read handler that is asked for `at` should put resource instance `id`. */
static inline bool tsr_lwm2m_wanted(tsr_lwm2m_path at, uint16_t id)
{
    return at.depth < 4 || at.resource_instance == id;
}

/** The object of that id, or NULL. */
const tsr_lwm2m_object *tsr_lwm2m_object_find(const tsr_lwm2m_registry *registry, uint16_t id);

/** The lowest instance that is `from` or above, or TSR_LWM2M_NO_INSTANCE. */
uint32_t tsr_lwm2m_object_next(const tsr_lwm2m_object *object, uint32_t from);

static inline bool tsr_lwm2m_object_instance(const tsr_lwm2m_object *object, uint16_t id)
{
    return tsr_lwm2m_object_next(object, id) == id;
}

/** Is there an instance `at`, or a resource (instance) as tsr_lwm2m_object_has() says? An object
 *  always exists. */
bool tsr_lwm2m_object_exists(const tsr_lwm2m_object *object, const tsr_lwm2m_path *at);

/** The table entry of a resource that this implementation has, or NULL. */
const tsr_lwm2m_resource_info *tsr_lwm2m_object_resource(const tsr_lwm2m_object *object,
                                                         uint16_t resource);

/** Puts everything readable at or below `at` (depth 2 to 4) that has a value. Which instances of
 *  an object are seen depends on who reads, and is for the caller to say.
 *
 *  source  Core 6.3.1
 *  errors  TSR_E_NOT_FOUND  no such object, instance, resource or value
 *          TSR_E_DENIED     a single resource that is not readable
 *          or those of tsr_lwm2m_put()
 */
tsr_err tsr_lwm2m_object_read(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                              tsr_lwm2m_out *out);

/** Does a resource have a value at the moment, or is it writable or executable?
 *  `at` is 3 or 4 deep. Used by Discover and by checks before a change. */
bool tsr_lwm2m_object_has(const tsr_lwm2m_object *object, tsr_lwm2m_path at);

/** The number of instances a multiple resource has; 0 if it is single or has none. */
size_t tsr_lwm2m_object_dim(const tsr_lwm2m_object *object, tsr_lwm2m_path at);

typedef enum {
    TSR_LWM2M_UPDATE,  /* POST on an instance: what is mentioned changes, the rest stays */
    TSR_LWM2M_REPLACE, /* PUT: what is writable and not mentioned goes */
} tsr_lwm2m_write_mode;

/** Checks a whole payload against the object, then commits it.
 *
 *  at       the path of the request, 2 to 4 deep (its instance exists)
 *  scratch  for values that do not stand in the payload as they are; given back
 *  source   Core 6.3.3
 *  errors   TSR_E_MALFORMED    the payload breaks its format, or leaves the path
 *           TSR_E_NOT_FOUND    a resource or instance that is not there
 *           TSR_E_DENIED       a resource that is not writable
 *           TSR_E_TYPE         a value of the wrong type or range
 *           TSR_E_UNSUPPORTED  the format
 *           TSR_E_SPACE        scratch is too small
 *           nothing has changed on failure
 */
tsr_err tsr_lwm2m_object_write(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                               tsr_lwm2m_write_mode mode, const tsr_lwm2m_content *content,
                               const tsr_buf *scratch);

/** Sets one resource or resource instance to a value that `in` has just given; NONE removes a
 *  resource instance. Both phases are the caller's business; the instance exists.
 *
 *  source   Core 6.3.9
 *  errors   TSR_E_NOT_FOUND, TSR_E_DENIED, TSR_E_TYPE, or what the handler said */
tsr_err tsr_lwm2m_object_set(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                             const tsr_lwm2m_value *value, tsr_lwm2m_phase phase,
                             const tsr_lwm2m_in *in);

/** Makes an instance from a payload; the id is in the payload, or the lowest free one.
 *
 *  source  Core 6.3.6
 *  errors  those of write; TSR_E_EXISTS  the instance is there
 *          TSR_E_DENIED  the object takes no (more) instances; TSR_E_ARGUMENT  a mandatory
 *          writable resource is missing
 */
tsr_err tsr_lwm2m_object_create(const tsr_lwm2m_object *object, const tsr_lwm2m_content *content,
                                const tsr_buf *scratch, uint16_t *instance);

/** Are these arguments well formed?
 *  source  Core 6.3.5 (digit, or digit='text', comma between; each digit once)
 *  errors  TSR_E_MALFORMED */
tsr_err tsr_lwm2m_arguments_check(tsr_bytes arguments);

/** Runs a resource.
 *
 *  check   tsr_lwm2m_arguments_check, or NULL: any arguments are refused
 *  source  Core 6.3.5
 *  errors  TSR_E_NOT_FOUND, TSR_E_DENIED (not executable), TSR_E_MALFORMED (arguments),
 *          TSR_E_ARGUMENT (refused), or what the handler said
 */
tsr_err tsr_lwm2m_object_execute_with(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                                      tsr_bytes arguments,
                                      tsr_err (*check)(tsr_bytes arguments));

/** The same, with tsr_lwm2m_arguments_check. */
static inline tsr_err tsr_lwm2m_object_execute(const tsr_lwm2m_object *object, tsr_lwm2m_path at,
                                               tsr_bytes arguments)
{
    return tsr_lwm2m_object_execute_with(object, at, arguments, tsr_lwm2m_arguments_check);
}

/** One argument of an Execute. */
typedef struct {
    uint8_t digit;   /* 0 to 9 */
    bool has_value;
    tsr_bytes value; /* without the quotes */
} tsr_lwm2m_argument;

/** Takes the next argument from the front of `arguments`.
 *  source  Core 6.3.5
 *  errors  TSR_END, TSR_E_MALFORMED; both leave `arguments` unchanged */
tsr_err tsr_lwm2m_argument_next(tsr_bytes *arguments, tsr_lwm2m_argument *argument);

#endif
