/* SPDX-License-Identifier: Apache-2.0
 *
 * Why something happened, for those who keep a log. */
#include "tessera/lwm2m/client/internal.h"

const char *const tsr_lwm2m_words[] = {
    [WORD_NO_SEQUENCE] = "no further sequence (/1/x/19)",
    [WORD_NO_ROOM] = "no room for the request: raise coap exchange_len or bodies",
    [WORD_ANEW] = "registered anew",
    [WORD_REFUSED] = "refused",
    [WORD_NO_LOCATION] = "no usable Location-Path in the answer",
    [WORD_UPDATE_REFUSED] = "update refused",
    [WORD_DEREGISTERED] = "de-registered",
    [WORD_NO_ANSWER] = "no answer",
    [WORD_NOT_THERE] = "not there any more",
    [WORD_RESET] = "cancelled by reset",
    [WORD_CANCELLED] = "cancelled",
    [WORD_TOO_LONG] = "answer too long",
};
