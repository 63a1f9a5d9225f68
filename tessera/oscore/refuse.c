/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server says when it does not take a request, and Echo when the window was lost. */
#include "tessera/oscore/internal.h"

void tsr_oscore_demand_echo(tsr_oscore *c)
{
    c->window_known = false;
    c->echo_made = false;
}

tsr_err tsr_oscore_echo(tsr_oscore *c, tsr_bytes *value)
{
    if (!c->echo_made && psa_generate_random(c->echo, sizeof c->echo) != PSA_SUCCESS)
        return TSR_E_CRYPTO;
    c->echo_made = true;
    *value = tsr_view(c->echo, sizeof c->echo);
    return TSR_OK;
}

tsr_err tsr_oscore_refusal(tsr_err why, uint8_t *code, const char **text)
{
    switch (why) {
    case TSR_E_MALFORMED: *code = TSR_COAP_BAD_OPTION, *text = "Failed to decode COSE"; break;
    case TSR_E_NOT_FOUND:
        *code = TSR_COAP_UNAUTHORIZED, *text = "Security context not found";
        break;
    case TSR_E_EXISTS: *code = TSR_COAP_UNAUTHORIZED, *text = "Replay detected"; break;
    case TSR_E_CRYPTO: *code = TSR_COAP_BAD_REQUEST, *text = "Decryption failed"; break;
    case TSR_E_STATE: *code = TSR_COAP_UNAUTHORIZED, *text = NULL; break;
    case TSR_E_UNSUPPORTED: *code = TSR_COAP_BAD_OPTION, *text = "Blocks of a proxy"; break;
    case TSR_E_SPACE: *code = TSR_COAP_TOO_LARGE, *text = "Message too long"; break;
    case TSR_E_IO: *code = TSR_COAP_UNAVAILABLE, *text = "Secure service not there"; break;
    default: return TSR_E_ARGUMENT;
    }
    return TSR_OK;
}
