/* SPDX-License-Identifier: Apache-2.0
 *
 * Enrolment over coaps at the bootstrap addresses (RFC 9148): /est and /.well-known/est with crts, sen,
 * sren and att. Keys are made by devices, so there is no skg. */
#ifndef SERVER_BOOTSTRAP_EST_H
#define SERVER_BOOTSTRAP_EST_H

#include "server/bootstrap/role.h"

/** The links of RFC 9148 §4.1, for /.well-known/core. */
extern const char est_links[];

bool est_takes(const tsr_coap_msg *msg);

/** Answers, now or when the certificate is on the disk.
 *  endpoint  whose bootstrap credential the session was made with; "": none, but a certificate that was
 *            issued here */
void est_request(bs_role *role, tsr_shard *shard, tsr_peer *peer, const tsr_coap_event *event,
                 const char *endpoint);

/** Whether a session may be made with this certificate, because it was issued here to that name. */
bool est_knows(const bs_role *role, tsr_shard *shard, const char *common_name, tsr_bytes der);

#endif
