/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/pattern.h"

#include <stddef.h>

bool rest_pattern_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *again = NULL;

    /* After a star, the shortest run that works is enough; only the last star is ever retried. */
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            again = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

int64_t rest_pattern_rank(const char *pattern)
{
    int64_t fixed = 0;
    bool any = false;

    for (; *pattern; pattern++) {
        any = any || *pattern == '*';
        fixed += *pattern != '*';
    }
    return any ? fixed + 1 : 0;
}
