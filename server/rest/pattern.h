/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns of names: '*' stands for any characters, also none. */
#ifndef SERVER_REST_PATTERN_H
#define SERVER_REST_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

bool rest_pattern_matches(const char *pattern, const char *name);

/** 0: no pattern, a name; else higher for the more specific one. */
int64_t rest_pattern_rank(const char *pattern);

#endif
