/* SPDX-License-Identifier: Apache-2.0
 *
 * A hot inner step that has several callers: inlined in all of them where speed is asked for, one
 * copy where size is (-Os). */
#ifndef TESSERA_BASE_HOT_H
#define TESSERA_BASE_HOT_H

#ifdef __OPTIMIZE_SIZE__
#define TSR_HOT static
#else
#define TSR_HOT __attribute__((always_inline)) static inline
#endif

#endif
