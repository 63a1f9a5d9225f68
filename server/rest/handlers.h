/* SPDX-License-Identifier: Apache-2.0
 *
 * The handlers of all routes; what each does is in docs/openapi.yaml. Private to server/rest. */
#ifndef SERVER_REST_HANDLERS_H
#define SERVER_REST_HANDLERS_H

#include "server/rest/pending.h"
#include "server/rest/values.h"

rest_handler rest_get_index, rest_get_openapi, rest_get_health, rest_get_metrics; /* status.c */
rest_handler rest_get_operator;                                                   /* status.c */
rest_handler rest_list_devices, rest_get_device, rest_drop_device;                /* device.c */
rest_handler rest_last_values, rest_history, rest_list_observations;              /* device.c */
rest_handler rest_read, rest_write, rest_create, rest_delete, rest_execute;       /* operation.c */
rest_handler rest_discover, rest_write_attributes, rest_observe, rest_unobserve;  /* operation.c */
rest_handler rest_list_requests, rest_get_request, rest_cancel_request;           /* queue.c */
rest_handler rest_read_composite, rest_write_composite;                            /* composite.c */
rest_handler rest_observe_composite, rest_cancel_composite;                        /* composite.c */
rest_handler rest_events;                                                         /* events.c */
rest_handler rest_list_models, rest_get_model;                                    /* models.c */
rest_handler rest_list_credentials, rest_get_credential;                          /* credential.c */
rest_handler rest_set_credential, rest_delete_credential;                         /* credential.c */
rest_handler rest_list_profiles, rest_get_profile, rest_set_profile, rest_delete_profile; /* bootstrap.c */
rest_handler rest_list_bootstraps, rest_get_bootstrap;                            /* bootstrap.c */
rest_handler rest_list_certificates, rest_get_certificate, rest_revoke_certificate; /* bootstrap.c */

rest_handler rest_list_audit;                                                     /* audit.c */
rest_handler rest_get_fdo, rest_list_fdo_redirects;                               /* fdo.c */
rest_handler rest_list_fdo_devices, rest_get_fdo_device;                          /* fdo.c */
rest_handler rest_list_fdo_groups;                                                /* fdo.c */
rest_handler rest_set_fdo_group;                                                  /* fdo_group.c */
rest_handler rest_list_fdo_plans, rest_get_fdo_plan, rest_set_fdo_plan;           /* fdo.c */
rest_handler rest_check_fdo_plan, rest_delete_fdo_plan;                           /* fdo.c */
rest_handler rest_list_fdo_results, rest_get_fdo_result;                          /* fdo.c */
rest_handler rest_get_voucher, rest_import_voucher, rest_extend_voucher;          /* fdo.c */

/* operation.c, shared with composite.c */
void rest_answer_values(rest_exchange *x, const tsr_server_result *r);
void rest_answer_done(rest_exchange *x, const tsr_server_result *r);
tsr_err rest_want_format(rest_exchange *x, uint16_t *format);
void rest_submit_values(rest_exchange *x, tsr_server_kind kind, rest_values *values, tsr_err err,
                        rest_answer *answer);

#endif
