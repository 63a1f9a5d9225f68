/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's thread suspends a connection before it submits the operation; the shard's thread
 * builds the answer and resumes it. An operation that outlives its exchange (the HTTP side was
 * stopped meanwhile) finds no exchange and only gives back its reference. */
#include "server/rest/pending.h"

#include <stdlib.h>

#include "server/rest/daemon.h"

struct rest_op {
    tsr_rest *rest;
    rest_exchange *x; /* NULL: nobody waits any more */
    rest_answer *on_success;
};

static void unlink_waiting(tsr_rest *rest, rest_exchange *x)
{
    if (x->prev != NULL)
        x->prev->next = x->next;
    else
        rest->waiting = x->next;
    if (x->next != NULL)
        x->next->prev = x->prev;
    x->op = NULL;
}

void rest_release(tsr_rest *rest)
{
    pthread_mutex_lock(&rest->lock);
    bool last = --rest->refs == 0;

    pthread_mutex_unlock(&rest->lock);
    if (!last)
        return;
    pthread_cond_destroy(&rest->changed);
    pthread_mutex_destroy(&rest->lock);
    free(rest->token_file);
    free(rest);
}

static void fail_refused(rest_exchange *x, const tsr_server_result *r)
{
    static const struct {
        uint8_t code;
        const char *words;
    } meanings[] = {
        { 0x80, "it takes the request for malformed" },
        { 0x81, "this server has no access right to it" },
        { 0x83, "it forbids this" },
        { 0x84, "it has no such object, instance or resource" },
        { 0x85, "the target does not allow this operation, e.g. it is read-only" },
        { 0x86, "it cannot give this format; try another `format`" },
        { 0x88, "a part of the request was lost on the way; try again" },
        { 0x8d, "the value is too large for it" },
        { 0x8f, "it cannot take this format; try another `format`" },
        { 0xa0, "it failed inside" },
        { 0xa1, "it does not implement this operation" },
        { 0xa3, "it is overloaded; try again later" },
    };
    char detail[400];
    tsr_buf text = tsr_buf_over(detail, sizeof detail - 1);
    const char *words = "it gave no reason";

    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
        if (meanings[i].code == r->code)
            words = meanings[i].words;
    tsr_put_text(&text, "the device answered ");
    rest_put_coap_code(&text, r->code);
    tsr_put_text(&text, ": ");
    tsr_put_text(&text, words);
    if (r->diagnostic[0] != '\0') {
        tsr_put_text(&text, "; its own words: ");
        tsr_put_bytes(&text, tsr_first(tsr_text(r->diagnostic), 200));
    }
    detail[text.len] = '\0';
    rest_fail_with(x, &(rest_problem){ .kind = REST_DEVICE_REFUSED,
                                       .status = rest_status_of_coap(r->code),
                                       .detail = detail,
                                       .coap_code = r->code,
                                       .path = x->path.depth > 0 ? &x->path : NULL });
}

static void fail_outcome(rest_exchange *x, const tsr_server_result *r)
{
    static const rest_problem_kind kinds[] = {
        [TSR_SERVER_TIMEOUT] = REST_DEVICE_TIMEOUT,
        [TSR_SERVER_NOT_REGISTERED] = REST_UNKNOWN_DEVICE,
        [TSR_SERVER_GONE] = REST_DEVICE_GONE,
        [TSR_SERVER_BUSY] = REST_DEVICE_BUSY,
        [TSR_SERVER_BAD_REQUEST] = REST_NOT_POSSIBLE,
        [TSR_SERVER_UNDECODABLE] = REST_DEVICE_GARBLED,
        [TSR_SERVER_UNAVAILABLE] = REST_UNAVAILABLE,
    };
    bool known = r->outcome > TSR_SERVER_ANSWERED && r->outcome <= TSR_SERVER_UNAVAILABLE;

    rest_fail_with(x, &(rest_problem){ .kind = known ? kinds[r->outcome] : REST_UNAVAILABLE,
                                       .detail = r->diagnostic,
                                       .coap_code = r->code,
                                       .path = x->path.depth > 0 ? &x->path : NULL });
}

static void done(void *arg, const tsr_server_result *result)
{
    struct rest_op *op = arg;
    tsr_rest *rest = op->rest;

    pthread_mutex_lock(&rest->lock);
    rest_exchange *x = op->x;

    if (x != NULL) {
        unlink_waiting(rest, x);
        rest->finishing++;
    }
    pthread_mutex_unlock(&rest->lock);
    if (x != NULL) {
        if (result->outcome != TSR_SERVER_ANSWERED)
            fail_outcome(x, result);
        else if (result->code >> 5 == 2)
            op->on_success(x, result);
        else
            fail_refused(x, result);
        MHD_resume_connection(x->connection);
        pthread_mutex_lock(&rest->lock);
        rest->finishing--;
        pthread_cond_broadcast(&rest->changed);
        pthread_mutex_unlock(&rest->lock);
    }
    free(op);
    rest_release(rest);
}

/* Joins the list of those who wait; NULL when there is no memory or no more time. */
static struct rest_op *wait_begin(rest_exchange *x, rest_answer *on_success)
{
    tsr_rest *rest = x->rest;
    struct rest_op *op = malloc(sizeof *op);

    if (op == NULL)
        return NULL;
    *op = (struct rest_op){ rest, x, on_success };
    pthread_mutex_lock(&rest->lock);
    if (rest->stopping) {
        pthread_mutex_unlock(&rest->lock);
        free(op);
        return NULL;
    }
    x->waits = true;
    x->op = op;
    x->prev = NULL;
    x->next = rest->waiting;
    if (x->next != NULL)
        x->next->prev = x;
    rest->waiting = x;
    rest->refs++;
    MHD_suspend_connection(x->connection);
    pthread_mutex_unlock(&rest->lock);
    return op;
}

void rest_submit(rest_exchange *x, tsr_server_request *request, rest_answer *on_success)
{
    uint64_t seconds;
    bool queue;

    if (rest_query_bool(x, "queue", &queue) != TSR_OK)
        return;
    if (queue) {
        rest_enqueue(x, request);
        return;
    }
    if (rest_query_number(x, "timeout", 1, REST_WAIT_MAX_S, REST_WAIT_S, &seconds) != TSR_OK)
        return;
    if (seconds > x->rest->wait_max_s)
        seconds = x->rest->wait_max_s;
    request->endpoint = x->endpoint;
    request->timeout_ms = (uint32_t)seconds * 1000;

    struct rest_op *op = wait_begin(x, on_success);

    if (op == NULL) {
        rest_fail(x, REST_UNAVAILABLE, "the server is stopping; try again in a moment");
        return;
    }
    if (tsr_server_submit(x->rest->server, request, done, op) != TSR_OK)
        done(op, &(tsr_server_result){ .outcome = TSR_SERVER_UNAVAILABLE,
                                       .diagnostic = "out of memory; try again later" });
}

void rest_pending_stop(tsr_rest *rest)
{
    pthread_mutex_lock(&rest->lock);
    rest->stopping = true;
    while (rest->waiting != NULL) {
        rest_exchange *x = rest->waiting;

        x->op->x = NULL;
        unlink_waiting(rest, x);
        rest_fail(x, REST_UNAVAILABLE, "the server is stopping; try again in a moment");
        MHD_resume_connection(x->connection);
    }
    while (rest->finishing > 0)
        pthread_cond_wait(&rest->changed, &rest->lock);
    pthread_mutex_unlock(&rest->lock);
}
