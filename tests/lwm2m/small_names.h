/* SPDX-License-Identifier: Apache-2.0
 *
 * Other names for the small engine's functions (tessera/coap/small), so that a client over it and a
 * server over the whole one fit into one test program. */
#ifndef TESTS_LWM2M_SMALL_NAMES_H
#define TESTS_LWM2M_SMALL_NAMES_H

#define tsr_coap_cancel          tsr_coap_small_cancel
#define tsr_coap_defer           tsr_coap_small_defer
#define tsr_coap_due_ms          tsr_coap_small_due_ms
#define tsr_coap_event_next      tsr_coap_small_event_next
#define tsr_coap_event_take      tsr_coap_small_event_take
#define tsr_coap_feed            tsr_coap_small_feed
#define tsr_coap_init_small      tsr_coap_small_init_small
#define tsr_coap_memory          tsr_coap_small_memory
#define tsr_coap_notify          tsr_coap_small_notify
#define tsr_coap_observe_adopt   tsr_coap_small_observe_adopt
#define tsr_coap_observe_forget  tsr_coap_small_observe_forget
#define tsr_coap_observe_settle  tsr_coap_small_observe_settle
#define tsr_coap_params_default  tsr_coap_small_params_default
#define tsr_coap_peer_gone       tsr_coap_small_peer_gone
#define tsr_coap_ping            tsr_coap_small_ping
#define tsr_coap_poll            tsr_coap_small_poll
#define tsr_coap_request_send    tsr_coap_small_request_send
#define tsr_coap_respond         tsr_coap_small_respond

#endif
