/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing a report. */
#ifndef SERVER_ATTEST_REPORT_H
#define SERVER_ATTEST_REPORT_H

#include "server/attest/verify.h"

/** Appends a check. Anything but PASS and NOTED makes report->passed false; so does a full report.
 *  The strings are copied and cut; `expected` and `found` may be NULL. */
void tsr_attest_report_add(tsr_attest_report *report, const char *claim, tsr_attest_verdict verdict,
                           const char *expected, const char *found, const char *text);

/** The report as JSON: {"passed":false,"checks":[{"claim":..,"expected":..,"found":..,
 *  "verdict":"pass"|"fail"|"noted","text":..}]}. */
void tsr_attest_report_json(const tsr_attest_report *report, tsr_buf *out);

/** "pass", "fail" or "noted". */
const char *tsr_attest_verdict_name(tsr_attest_verdict verdict);

#endif
