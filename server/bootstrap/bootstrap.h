/* SPDX-License-Identifier: Apache-2.0
 *
 * The bootstrap server as a role of the server: who asks, gets the servers that its profile names.
 * The role itself is a service in the configuration of tsr_server_open; profiles, credentials and
 * the state of devices are kept in the same store and may be asked for with or without it.
 *
 * Every function may be called from any thread but a shard's. */
#ifndef SERVER_BOOTSTRAP_BOOTSTRAP_H
#define SERVER_BOOTSTRAP_BOOTSTRAP_H

#include "server/lwm2m/server.h"

extern const tsr_server_service tsr_bootstrap_service;

/** One profile: JSON without its secrets.
 *  name  an endpoint, or a pattern: '*' stands for any characters */
typedef void tsr_bootstrap_profile_fn(void *arg, const char *name, tsr_bytes json,
                                      int64_t changed_unix_ms);

/** Sets (replaces) a profile; durable when it returns. A key that `json` names only by its length
 *  ("key_bytes") stays what it was for the account of that short server id.
 *  source  docs/openapi.yaml, BootstrapProfile
 *  errors  TSR_E_ARGUMENT  `why` names member, cause and remedy; 400 bytes are sensible
 *          TSR_E_SPACE     too many patterns, or out of memory
 *          TSR_E_IO        the store failed; nothing was changed */
tsr_err tsr_bootstrap_profile_set(tsr_server *s, const char *name, tsr_bytes json, char *why,
                                  size_t why_cap);
/** errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err tsr_bootstrap_profile_delete(tsr_server *s, const char *name);
tsr_err tsr_bootstrap_profile_get(tsr_server *s, const char *name, tsr_bootstrap_profile_fn *fn,
                                  void *arg);
/** The one that this endpoint gets: its own name, else the pattern with the most fixed characters,
 *  else (of several) the one whose name sorts first. */
tsr_err tsr_bootstrap_profile_for(tsr_server *s, const char *endpoint,
                                  tsr_bootstrap_profile_fn *fn, void *arg);
/** Sorted by name, after `after` (NULL: from the start), at most `limit` (0: 100). */
tsr_err tsr_bootstrap_profile_list(tsr_server *s, const char *after, size_t limit,
                                   tsr_bootstrap_profile_fn *fn, void *arg);

/** How the last bootstrap of an endpoint went, as JSON (docs/openapi.yaml, BootstrapState). */
tsr_err tsr_bootstrap_state_get(tsr_server *s, const char *endpoint, tsr_bootstrap_profile_fn *fn,
                                void *arg);
tsr_err tsr_bootstrap_state_list(tsr_server *s, const char *after, size_t limit,
                                 tsr_bootstrap_profile_fn *fn, void *arg);

/** Certificates that were given to devices that enrol here, as JSON (docs/openapi.yaml, Certificate);
 *  `name` is "endpoint/serial", by which they are sorted. */
tsr_err tsr_bootstrap_certificate_get(tsr_server *s, const char *serial,
                                      tsr_bootstrap_profile_fn *fn, void *arg);
tsr_err tsr_bootstrap_certificate_list(tsr_server *s, const char *after, size_t limit,
                                       tsr_bootstrap_profile_fn *fn, void *arg);
/** It opens no session any more, and those that are open under its name end; durable when it returns.
 *  Harmless twice. errors TSR_E_NOT_FOUND, TSR_E_IO */
tsr_err tsr_bootstrap_certificate_revoke(tsr_server *s, const char *serial);

/** The certificate of the authority that devices enrol with; empty: there is none. */
tsr_bytes tsr_bootstrap_authority(tsr_server *s);

/** Enrols a device that another protocol has authenticated: signs a certificate for that endpoint, whatever
 *  subject the request (PKCS #10) names, and puts it down among those above before it returns.
 *  by      who asked, as the list says it: "fdo:..."
 *  errors  TSR_E_DENIED  `why` says what is wrong with the request;  TSR_E_STATE  there is no authority;
 *          TSR_E_CRYPTO  it cannot sign;  TSR_E_IO, TSR_E_SPACE */
tsr_err tsr_bootstrap_enrol(tsr_server *s, const char *endpoint, const char *by, tsr_bytes request,
                            tsr_buf *der, char serial[33], const char **why);
/** Revokes the endpoint's certificates that were asked for so (`by` is how it begins), but that one ("":
 *  all). errors TSR_E_IO */
tsr_err tsr_bootstrap_certificates_revoke(tsr_server *s, const char *endpoint, const char *by,
                                          const char *but);

/** Credentials of devices at the bootstrap server: as those of the management service
 *  (server/lwm2m/api.h), and apart from them. */
tsr_err tsr_bootstrap_credential_set(tsr_server *s, const char *endpoint, tsr_server_security mode,
                                     const char *identity, tsr_bytes key);
tsr_err tsr_bootstrap_credential_set_oscore(tsr_server *s, const char *endpoint,
                                            const tsr_server_oscore *oscore);
tsr_err tsr_bootstrap_credential_delete(tsr_server *s, const char *endpoint);
tsr_err tsr_bootstrap_credential_get(tsr_server *s, const char *endpoint,
                                     tsr_server_credential_fn *fn, void *arg);
tsr_err tsr_bootstrap_credential_list(tsr_server *s, const char *after, size_t limit,
                                      tsr_server_credential_fn *fn, void *arg);

#endif
