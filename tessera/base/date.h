/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates of the Gregorian calendar, also before it began, as RFC 3339, X.509 and ISO 8601 count them. */
#ifndef TESSERA_BASE_DATE_H
#define TESSERA_BASE_DATE_H

#include <stdint.h>

/** Days from 1970-01-01 to that date, negative before it. Year 0 to 9999, month 1 to 12; a day beyond the
 *  month's last counts on into the next. */
int32_t tsr_date_days(int32_t year, int32_t month, int32_t day);

#endif
