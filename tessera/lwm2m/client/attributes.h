/* SPDX-License-Identifier: Apache-2.0
 *
 * Notification attributes: what Write-Attributes and the query of an Observe can say. */
#ifndef TESSERA_LWM2M_CLIENT_ATTRIBUTES_H
#define TESSERA_LWM2M_CLIENT_ATTRIBUTES_H

#include "tessera/lwm2m/model/object.h"

/** Bits of tsr_lwm2m_attributes.set, in the order in which Discover prints them. */
enum {
    TSR_LWM2M_PMIN = 1 << 0,
    TSR_LWM2M_PMAX = 1 << 1,
    TSR_LWM2M_EPMIN = 1 << 2,
    TSR_LWM2M_EPMAX = 1 << 3,
    TSR_LWM2M_CON = 1 << 4,
    TSR_LWM2M_HQMAX = 1 << 5,
    TSR_LWM2M_EDGE = 1 << 6,
    TSR_LWM2M_GT = 1 << 7,
    TSR_LWM2M_LT = 1 << 8,
    TSR_LWM2M_ST = 1 << 9,
    TSR_LWM2M_ATTRIBUTE_COUNT = 10,
    TSR_LWM2M_WHOLE_COUNT = 7, /* the first so many have whole numbers */
};

/** Values of one level of one path; those without a bit in `set` have no meaning.
 *  units  pmin, pmax, epmin, epmax in seconds; gt, lt, st in the unit of the resource */
typedef struct {
    uint16_t set;
    uint32_t whole[TSR_LWM2M_WHOLE_COUNT]; /* PMIN ... EDGE */
    double real[TSR_LWM2M_ATTRIBUTE_COUNT - TSR_LWM2M_WHOLE_COUNT]; /* GT, LT, ST */
} tsr_lwm2m_attributes;

/** Applies one query ("pmin=10"; "pmin" or "pmin=" takes it back).
 *
 *  source  Core 5.1.2 (levels and syntax of each attribute)
 *  info    the resource at `depth` 3 and 4, for which gt, lt, st need a number and edge a Boolean
 *  errors  TSR_E_ARGUMENT  no such attribute, not at this level, or not a value of it
 */
tsr_err tsr_lwm2m_attribute_apply(tsr_lwm2m_attributes *attributes, uint8_t depth,
                                  const tsr_lwm2m_resource_info *info, tsr_bytes query);

/** Can these stand together? lt < gt, lt + 2 st < gt, epmin < epmax; pmax is no error.
 *  errors  TSR_E_ARGUMENT */
tsr_err tsr_lwm2m_attributes_check(const tsr_lwm2m_attributes *attributes);

/** Fills what `attributes` does not have from `outer` (a level further up). */
void tsr_lwm2m_attributes_inherit(tsr_lwm2m_attributes *attributes,
                                  const tsr_lwm2m_attributes *outer);

/** Writes ";pmin=10;gt=4.5". */
void tsr_lwm2m_attributes_put(tsr_buf *out, const tsr_lwm2m_attributes *attributes);

/** For the saved state; load: TSR_E_MALFORMED. */
void tsr_lwm2m_attributes_save(tsr_buf *out, const tsr_lwm2m_attributes *attributes);
tsr_err tsr_lwm2m_attributes_load(tsr_bytes *in, tsr_lwm2m_attributes *attributes);

static inline bool tsr_lwm2m_attribute_has(const tsr_lwm2m_attributes *attributes, unsigned bit)
{
    return (attributes->set & bit) != 0;
}

/** Does the change from `last` (reported) to `now` call for a notification, by gt, lt, st or edge?
 *  True for any change when none of these is set. Both have the same type; any type will do.
 *  source  Core 5.1.2; gt and lt: strictly past the threshold, coming from it or from the other
 *          side; st: at least st apart; edge: by the new value */
bool tsr_lwm2m_attributes_fire(const tsr_lwm2m_attributes *attributes,
                               const tsr_lwm2m_value *last, const tsr_lwm2m_value *now);

#endif
