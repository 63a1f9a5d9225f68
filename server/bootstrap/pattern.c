/* SPDX-License-Identifier: Apache-2.0 */
#include "server/bootstrap/profile.h"

bool bs_pattern_matches(const char *pattern, const char *endpoint)
{
    const char *star = NULL, *again = NULL;

    /* After a star, the shortest run that works is enough; only the last star is ever retried. */
    while (*endpoint) {
        if (*pattern == '*') {
            star = pattern++;
            again = endpoint;
        } else if (*pattern == *endpoint) {
            pattern++;
            endpoint++;
        } else if (star) {
            pattern = star + 1;
            endpoint = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

int64_t bs_pattern_rank(const char *pattern)
{
    int64_t fixed = 0;
    bool any = false;

    for (; *pattern; pattern++) {
        any = any || *pattern == '*';
        fixed += *pattern != '*';
    }
    return any ? fixed + 1 : 0;
}
