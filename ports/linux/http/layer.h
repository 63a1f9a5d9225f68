/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies between HTTP and its connection for https: a table of functions, so that who fetches over
 * plain TCP alone links no TLS. ports/linux/http/secure.h is one. */
#ifndef PORTS_LINUX_HTTP_LAYER_H
#define PORTS_LINUX_HTTP_LAYER_H

#include "tessera/base/bytes.h"

enum { TSR_FETCH_PLAIN = 1024, TSR_FETCH_PROTECTED = 1536 };

/** `self` is the layer's own. The verbs and their errors are those of tessera/net/tls.h. */
typedef struct {
    /** A new connection to `host`: a name, or an address without brackets. errors  any: `cause` */
    tsr_err (*begin)(void *self, tsr_bytes host, uint64_t now_ms);
    tsr_err (*take)(void *self, tsr_bytes *in, tsr_buf *plain, uint64_t now_ms);
    tsr_err (*poll)(void *self, tsr_buf *out, uint64_t now_ms);
    /** At most TSR_FETCH_PLAIN bytes, which become TSR_FETCH_PROTECTED at most. */
    tsr_err (*send)(void *self, tsr_bytes plain, tsr_buf *out);
    bool (*is_up)(const void *self);
    uint64_t (*due_ms)(const void *self);
    /** Ends; what it wants to say last (close_notify) is appended. Harmless twice. */
    void (*end)(void *self, tsr_buf *out);
    const char *(*cause)(const void *self);
} tsr_fetch_layer;

#endif
