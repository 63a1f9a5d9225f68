/* SPDX-License-Identifier: Apache-2.0
 *
 * Readers of the store, each with a connection of its own. */
#include "server/store/store_in.h"

#include <stdlib.h>

struct tsr_store_reader {
    tsr_store *store;
    void *reader;
};

tsr_err tsr_store_reader_open(tsr_store *s, tsr_store_reader **out)
{
    tsr_store_reader *r = calloc(1, sizeof *r);

    if (!r)
        return TSR_E_SPACE;
    r->store = s;

    tsr_err err = s->backend->reader_open(s->db, &r->reader);

    if (err != TSR_OK) {
        free(r);
        return err;
    }
    *out = r;
    return TSR_OK;
}

void tsr_store_reader_close(tsr_store_reader *r)
{
    if (!r)
        return;
    r->store->backend->reader_close(r->reader);
    free(r);
}

tsr_err tsr_store_registrations(tsr_store_reader *r, tsr_store_registration_fn *fn, void *arg)
{
    return r->store->backend->registrations(r->reader, fn, arg);
}

tsr_err tsr_store_observations(tsr_store_reader *r, const char *endpoint,
                               tsr_store_observation_fn *fn, void *arg)
{
    return r->store->backend->observations(r->reader, endpoint, fn, arg);
}

tsr_err tsr_store_credentials(tsr_store_reader *r, const char *after, size_t limit,
                              tsr_store_credential_fn *fn, void *arg)
{
    return r->store->backend->credentials(r->reader, after, limit, fn, arg);
}

tsr_err tsr_store_credential_get(tsr_store_reader *r, const char *endpoint,
                                 tsr_store_credential_fn *fn, void *arg)
{
    return r->store->backend->credential_get(r->reader, endpoint, fn, arg);
}

tsr_err tsr_store_credential_key(tsr_store_reader *r, int mode, tsr_bytes identity,
                                 tsr_store_credential_fn *fn, void *arg)
{
    return r->store->backend->credential_key(r->reader, mode, identity, fn, arg);
}

tsr_err tsr_store_events(tsr_store_reader *r, uint64_t after, size_t limit, const char *endpoint,
                         tsr_store_event_fn *fn, void *arg)
{
    return r->store->backend->events(r->reader, after, limit, endpoint, fn, arg);
}

tsr_err tsr_store_values(tsr_store_reader *r, const char *endpoint, tsr_bytes prefix,
                         tsr_store_value_fn *fn, void *arg)
{
    return r->store->backend->values(r->reader, endpoint, prefix, fn, arg);
}

tsr_err tsr_store_history(tsr_store_reader *r, const char *endpoint, tsr_bytes path,
                          int64_t after_ms, size_t limit, tsr_store_value_fn *fn, void *arg)
{
    return r->store->backend->history(r->reader, endpoint, path, after_ms, limit, fn, arg);
}

tsr_err tsr_store_sessions(tsr_store_reader *r, tsr_store_session_fn *fn, void *arg)
{
    return r->store->backend->sessions(r->reader, fn, arg);
}

tsr_err tsr_store_oscores(tsr_store_reader *r, const char *identity, tsr_store_oscore_fn *fn,
                          void *arg)
{
    return r->store->backend->oscores(r->reader, identity, fn, arg);
}

tsr_err tsr_store_queued_open(tsr_store_reader *r, tsr_store_queued_fn *fn, void *arg)
{
    return r->store->backend->queued_open(r->reader, fn, arg);
}

tsr_err tsr_store_queued_get(tsr_store_reader *r, uint64_t id, tsr_store_queued_fn *fn, void *arg)
{
    return r->store->backend->queued_get(r->reader, id, fn, arg);
}

tsr_err tsr_store_queued_list(tsr_store_reader *r, const char *endpoint, bool open_only,
                              uint64_t before, size_t limit, tsr_store_queued_fn *fn, void *arg)
{
    return r->store->backend->queued_list(r->reader, endpoint, open_only, before, limit, fn, arg);
}

tsr_err tsr_store_queued_last(tsr_store_reader *r, uint64_t *id)
{
    return r->store->backend->queued_last(r->reader, id);
}

tsr_err tsr_store_documents(tsr_store_reader *r, int kind, tsr_store_lookup by, const char *key,
                            size_t limit, tsr_store_document_fn *fn, void *arg)
{
    return r->store->backend->documents(r->reader, kind, by, key, limit, fn, arg);
}

tsr_err tsr_store_labelled(tsr_store_reader *r, int kind, const char *label, const char *after, size_t limit,
                           tsr_store_document_fn *fn, void *arg)
{
    return r->store->backend->labelled(r->reader, kind, label, after, limit, fn, arg);
}

tsr_err tsr_store_labels(tsr_store_reader *r, int kind, const char *after, size_t limit, tsr_store_label_fn *fn,
                         void *arg)
{
    return r->store->backend->labels(r->reader, kind, after, limit, fn, arg);
}
