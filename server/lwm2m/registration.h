/* SPDX-License-Identifier: Apache-2.0
 *
 * What a Register or an Update says: its parameters checked, its object list taken apart. Works on
 * any bytes. */
#ifndef SERVER_LWM2M_REGISTRATION_H
#define SERVER_LWM2M_REGISTRATION_H

#include "server/lwm2m/api.h"
#include "tessera/coap/message.h"

enum {
    TSR_ENDPOINT_MAX = 255,
    TSR_LIFETIME_DEFAULT_S = 86400,
};

/** Views into the message; a flag says whether the parameter was there. */
typedef struct {
    bool has_endpoint, has_lifetime, has_version, has_binding, has_sms, has_profile, queue_mode;
    tsr_bytes endpoint, version, sms, profile;
    char binding[8]; /* letters without Q, zero-terminated */
    uint32_t lifetime_s;
    bool has_links;  /* a payload was there */
    tsr_bytes links; /* the object list, RFC 6690 */
} tsr_register_params;

/** Whether a Uri-Query is `name`=VALUE, and the value. */
bool tsr_query_named(tsr_bytes query, const char *name, tsr_bytes *value);

/** The endpoint name of a request, once. result 0, or the CoAP code to refuse with, and *why */
uint8_t tsr_query_endpoint(tsr_bytes value, bool *has, tsr_bytes *endpoint, const char **why);

/** Says why in English and gives the code back. */
uint8_t tsr_request_refuse(const char **why, uint8_t code, const char *text);

/** Takes the parameters of a Register (or, `update`, of an Update) from its options.
 *
 *  source  Core 6.2.1, Core 6.2.2; a pid is not looked up here
 *  result  0, or the CoAP code to refuse with; then *why says in English what is wrong */
uint8_t tsr_register_parse(const tsr_coap_msg *msg, tsr_bytes body, bool update,
                           tsr_register_params *out, const char **why);

/** A link list in one allocation. */
typedef struct {
    tsr_server_link *links;
    size_t count;
    char root[TSR_LWM2M_ROOT_MAX + 1]; /* alternate path, "" when none or not good (tsr_lwm2m_root_is_good) */
    uint32_t formats; /* bits TSR_FORMAT_...: `ct` of the root link */
} tsr_link_list;

enum {
    TSR_FORMATS_SENML_JSON = 1,
    TSR_FORMATS_SENML_CBOR = 2,
    TSR_FORMATS_TLV = 4,
    TSR_FORMATS_LWM2M_CBOR = 8,
    TSR_FORMATS_ETCH_JSON = 16,
    TSR_FORMATS_ETCH_CBOR = 32,
};

/** Reads an object list, or the answer of a Discover. Links that are no LwM2M paths are left out.
 *
 *  source  Core 6.2.1 (object list, alternate path), RFC 6690 §2
 *  root    Discover: the alternate path to take off; NULL: find it in the list
 *  owner   *list is given back to tsr_link_list_free
 *  errors  TSR_E_MALFORMED  no link format
 *          TSR_E_SPACE      out of memory, or more than 4,096 links */
tsr_err tsr_link_list_read(tsr_bytes in, const char *root, tsr_link_list *list);
void tsr_link_list_free(tsr_link_list *list);

/** Copies links behind `*at`, which has room for tsr_links_size bytes and is moved; aligned. */
size_t tsr_links_size(const tsr_server_link *links, size_t count);
tsr_server_link *tsr_links_copy(const tsr_server_link *links, size_t count, char **at);

#endif
