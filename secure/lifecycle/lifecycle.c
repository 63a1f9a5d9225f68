/* SPDX-License-Identifier: Apache-2.0 */
#include "secure/lifecycle/lifecycle.h"

typedef struct {
    tsr_lifecycle_state state;
    unsigned allows;
    const char *name;
} row;

static const row rows[] = {
    { TSR_LIFECYCLE_ASSEMBLY_AND_TEST,
      TSR_ALLOW_PROVISION | TSR_ALLOW_DEBUG | TSR_ALLOW_SERVE | TSR_ALLOW_SECRETS |
          TSR_ALLOW_ATTEST,
      "assembly-and-test" },
    { TSR_LIFECYCLE_PSA_ROT_PROVISIONING,
      TSR_ALLOW_PROVISION | TSR_ALLOW_SERVE | TSR_ALLOW_SECRETS | TSR_ALLOW_ATTEST,
      "psa-rot-provisioning" },
    { TSR_LIFECYCLE_SECURED, TSR_ALLOW_SERVE | TSR_ALLOW_SECRETS | TSR_ALLOW_ATTEST, "secured" },
    { TSR_LIFECYCLE_NON_PSA_ROT_DEBUG, TSR_ALLOW_SERVE | TSR_ALLOW_SECRETS | TSR_ALLOW_ATTEST,
      "non-psa-rot-debug" },
    { TSR_LIFECYCLE_RECOVERABLE_PSA_ROT_DEBUG, TSR_ALLOW_DEBUG, "recoverable-psa-rot-debug" },
    { TSR_LIFECYCLE_DECOMMISSIONED, 0, "decommissioned" },
};

#define ROWS (sizeof rows / sizeof *rows)

static const row *row_of(uint32_t state)
{
    for (size_t i = 0; i < ROWS; i++)
        if ((uint32_t)rows[i].state == state)
            return &rows[i];
    return NULL;
}

static psa_status_t read_state(const tsr_lifecycle *l, tsr_lifecycle_state *state)
{
    uint8_t value[5];
    size_t len;
    psa_status_t status =
        tsr_its_get(l->its, TSR_ITS_PLATFORM, TSR_PLATFORM_STATE, 0, sizeof value, value, &len);
    tsr_bytes in = { value, len };
    uint32_t number;

    if (status == PSA_ERROR_DOES_NOT_EXIST) {
        *state = TSR_LIFECYCLE_PSA_ROT_PROVISIONING;
        return PSA_SUCCESS;
    }
    if (status != PSA_SUCCESS)
        return status;
    if (len != 4 || tsr_get_u32(&in, &number) != TSR_OK || row_of(number) == NULL)
        return PSA_ERROR_DATA_CORRUPT;
    *state = (tsr_lifecycle_state)number;
    return PSA_SUCCESS;
}

/* Secure Storage 1.0.4, ITS 14: WRITE_ONCE binds from SECURED on. */
static void enter(tsr_lifecycle *l, tsr_lifecycle_state state)
{
    l->state = state;
    l->its->provisioning = tsr_lifecycle_allows(state, TSR_ALLOW_PROVISION);
}

psa_status_t tsr_lifecycle_open(tsr_lifecycle *l, tsr_its *its)
{
    tsr_lifecycle_state state = TSR_LIFECYCLE_UNKNOWN;
    psa_status_t status;

    *l = (tsr_lifecycle){ its, TSR_LIFECYCLE_UNKNOWN };
    status = read_state(l, &state);
    enter(l, state);
    return status;
}

tsr_lifecycle_state tsr_lifecycle_get(const tsr_lifecycle *l) { return l->state; }

psa_status_t tsr_lifecycle_advance(tsr_lifecycle *l, tsr_lifecycle_state next)
{
    uint8_t value[4];
    tsr_buf out = tsr_buf_over(value, sizeof value);
    psa_status_t status;

    if (row_of((uint32_t)next) == NULL)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (l->state == TSR_LIFECYCLE_UNKNOWN || next <= l->state)
        return PSA_ERROR_NOT_PERMITTED;
    tsr_put_u32(&out, (uint32_t)next);
    status = tsr_its_set(l->its, TSR_ITS_PLATFORM, TSR_PLATFORM_STATE, out.len, value, 0);
    if (status == PSA_SUCCESS)
        enter(l, next);
    return status;
}

bool tsr_lifecycle_allows(tsr_lifecycle_state state, unsigned what)
{
    const row *r = row_of((uint32_t)state);

    return r != NULL && (r->allows & what) == what;
}

const char *tsr_lifecycle_name(tsr_lifecycle_state state)
{
    const row *r = row_of((uint32_t)state);

    return r != NULL ? r->name : "unknown";
}

tsr_err tsr_lifecycle_of_name(tsr_bytes name, tsr_lifecycle_state *state)
{
    for (size_t i = 0; i < ROWS; i++)
        if (tsr_same(name, tsr_text(rows[i].name))) {
            *state = rows[i].state;
            return TSR_OK;
        }
    return TSR_E_NOT_FOUND;
}
