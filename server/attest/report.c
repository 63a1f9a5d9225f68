/* SPDX-License-Identifier: Apache-2.0 */
#include "server/attest/report.h"

#include "tessera/json/json.h"

/* Copies what fits. What a device says must not drive a terminal, so only printable ASCII. */
static void copy(char *out, size_t cap, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0, n = len < cap ? len : cap - 1;

    for (size_t i = 0; i < n; i++)
        out[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    out[n] = '\0';
    if (n < len)
        memcpy(out + cap - 4, "...", 3);
}

void tsr_attest_report_add(tsr_attest_report *report, const char *claim, tsr_attest_verdict verdict,
                           const char *expected, const char *found, const char *text)
{
    tsr_attest_check *c;

    if (verdict == TSR_ATTEST_FAIL || report->count == TSR_ATTEST_CHECKS)
        report->passed = false;
    if (report->count == TSR_ATTEST_CHECKS)
        return;
    c = &report->check[report->count++];
    copy(c->claim, sizeof c->claim, claim);
    copy(c->expected, sizeof c->expected, expected);
    copy(c->found, sizeof c->found, found);
    copy(c->text, sizeof c->text, text);
    c->verdict = verdict;
}

const char *tsr_attest_verdict_name(tsr_attest_verdict verdict)
{
    switch (verdict) {
    case TSR_ATTEST_PASS: return "pass";
    case TSR_ATTEST_NOTED: return "noted";
    case TSR_ATTEST_FAIL: break;
    }
    return "fail";
}

static void put_member(tsr_json_out *j, const char *name, const char *text)
{
    tsr_json_put_key(j, name);
    tsr_json_put_cstring(j, text);
}

void tsr_attest_report_json(const tsr_attest_report *report, tsr_buf *out)
{
    tsr_json_out j = tsr_json_to(out);

    tsr_json_open_object(&j);
    tsr_json_put_key(&j, "passed");
    tsr_json_put_bool(&j, report->passed);
    tsr_json_put_key(&j, "checks");
    tsr_json_open_array(&j);
    for (size_t i = 0; i < report->count; i++) {
        const tsr_attest_check *c = &report->check[i];

        tsr_json_open_object(&j);
        put_member(&j, "claim", c->claim);
        put_member(&j, "verdict", tsr_attest_verdict_name(c->verdict));
        put_member(&j, "expected", c->expected);
        put_member(&j, "found", c->found);
        put_member(&j, "text", c->text);
        tsr_json_close(&j);
    }
    tsr_json_close(&j);
    tsr_json_close(&j);
}
