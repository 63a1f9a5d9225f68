/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchanges that wait for a device. Private to server/rest. */
#ifndef SERVER_REST_PENDING_H
#define SERVER_REST_PENDING_H

#include "server/rest/exchange.h"

/** Builds the answer of an exchange from what the device said. */
typedef void rest_answer(rest_exchange *x, const tsr_server_result *result);

/** Submits the operation and suspends the exchange until its result came; `on_success` is called
 *  when the device answered with a code of class 2, everything else is answered as a problem.
 *  request->endpoint and request->timeout_ms are filled in here, the latter from ?timeout. */
void rest_submit(rest_exchange *x, tsr_server_request *request, rest_answer *on_success);

/** What rest_submit does with ?queue=true: the operation waits in the store, and the answer is 202
 *  with the request as it stands. Of queue.c. */
void rest_enqueue(rest_exchange *x, tsr_server_request *request);

#endif
