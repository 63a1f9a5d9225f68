/* SPDX-License-Identifier: Apache-2.0 */
#include "tessera/base/date.h"

/* Years begin in March here, so that the leap day is the last; one cycle of 400 years more keeps what is
 * divided positive. */
int32_t tsr_date_days(int32_t year, int32_t month, int32_t day)
{
    int32_t y = year + 400 - (month <= 2), m = month + (month > 2 ? -3 : 9);

    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468 - 146097;
}
