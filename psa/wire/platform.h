/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls about the device itself: function numbers (the `type` of psa_call) of
 * TSR_PSA_PLATFORM_HANDLE. The first input is a block of four bytes, big-endian. */
#ifndef PSA_WIRE_PLATFORM_H
#define PSA_WIRE_PLATFORM_H

enum {
    TSR_PLATFORM_LIFECYCLE_GET = 1,     /* block 0; out state u32 */
    TSR_PLATFORM_LIFECYCLE_ADVANCE = 2, /* block state; maintainers only */
};

#define TSR_WIRE_PLATFORM 4u

#endif
