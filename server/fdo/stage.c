/* SPDX-License-Identifier: Apache-2.0
 *
 * A stage is a document "GUID/stage", so that it is written without being read before: many devices
 * come at once. */
#define _GNU_SOURCE
#include "server/fdo/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/audit/audit.h"
#include "server/rest/put.h"
#include "server/rest/room.h"
#include "tessera/json/json.h"

enum { NAME = FDO_GUID_TEXT + 16, DETAIL_MAX = 300 };

static const struct {
    const char *name, *audit; /* NULL: operators cause it, and REST writes it down */
} stages[TSR_FDO_STAGES] = {
    [TSR_FDO_MADE] = { "made", "di-done" },
    [TSR_FDO_IMPORTED] = { "imported", NULL },
    [TSR_FDO_EXTENDED] = { "extended", "voucher-extended" },
    [TSR_FDO_ANNOUNCED] = { "announced", "to0-done" },
    [TSR_FDO_ACCEPTED] = { "accepted", "to0-accepted" },
    [TSR_FDO_REDIRECTED] = { "redirected", "to1-done" },
    [TSR_FDO_PROVED] = { "proved", "to2-begun" },
    [TSR_FDO_ONBOARDED] = { "onboarded", "to2-done" },
    [TSR_FDO_REPLACED] = { "replaced", "voucher-replaced" },
    [TSR_FDO_FAILED] = { "failed", "protocol-failed" },
};

const char *tsr_fdo_stage_name(tsr_fdo_stage stage)
{
    return (unsigned)stage < TSR_FDO_STAGES ? stages[stage].name : "unknown";
}

/* --- writing ---------------------------------------------------------------------------- */

static void put_row(tsr_fdo *f, const char *guid, const char *stage, tsr_bytes body)
{
    char name[NAME];
    tsr_store_document d = { .kind = TSR_STORE_FDO_STAGE, .name = name, .alias = "",
                             .changed_ms = fdo_now_ms(), .body = body };

    (void)snprintf(name, sizeof name, "%s/%s", guid, stage);
    (void)tsr_store_put_document(f->config.store, &d, NULL, NULL);
}

void fdo_reach(tsr_fdo *f, const char *guid, tsr_fdo_stage stage, const char *detail)
{
    uint8_t room[6 * DETAIL_MAX + 120];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    tsr_json_out j = tsr_json_to(&out);
    char text[DETAIL_MAX + 1];

    (void)snprintf(text, sizeof text, "%s", detail);
    tsr_json_open_object(&j);
    rest_put_text(&j, "stage", stages[stage].name);
    rest_put_moment(&j, "at", fdo_now_ms());
    rest_put_text(&j, "detail", text);
    tsr_json_close(&j);
    if (tsr_json_end(&j) == TSR_OK && out.err == TSR_OK)
        put_row(f, guid, stages[stage].name, tsr_buf_view(&out));
    if (f->config.reached != NULL)
        f->config.reached(f->config.reached_arg, stage, guid, text);
}

static bool note(tsr_fdo *f, bool refused, const char *peer, const char *what, const char *guid,
                 const char *detail)
{
    char who[64];

    (void)snprintf(who, sizeof who, "%s%s", peer != NULL ? "peer " : "this service",
                   peer != NULL && peer[0] == 0 ? "unknown" : peer != NULL ? peer : "");
    return tsr_audit_note(f->config.audit, refused ? TSR_AUDIT_REFUSED : TSR_AUDIT_DONE,
                          &(tsr_audit_entry){ who, what, guid, detail });
}

void fdo_write_down(tsr_fdo *f, bool refused, const char *what, const char *guid,
                    const char *detail)
{
    (void)note(f, refused, NULL, what, guid, detail);
}

void fdo_reach_by(tsr_fdo *f, const fdo_session *s, tsr_fdo_stage stage, const char *format, ...)
{
    char detail[DETAIL_MAX + 1];
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    (void)note(f, false, s->peer, stages[stage].audit, s->guid, detail);
    fdo_reach(f, s->guid, stage, detail);
}

void fdo_refused_by(tsr_fdo *f, const fdo_session *s, const char *peer, uint8_t type,
                    const fdo_reply *r)
{
    const char *guid = s != NULL ? s->guid : "";
    char detail[200];

    (void)snprintf(detail, sizeof detail, "message %u, error %u: %s", type, r->code, r->why);
    /* Anyone can cause it: no more of them are told than are written down. */
    if (note(f, true, peer != NULL ? peer : "", stages[TSR_FDO_FAILED].audit, guid, detail) &&
        guid[0] != 0)
        fdo_reach(f, guid, TSR_FDO_FAILED, detail);
}

/* --- reading ---------------------------------------------------------------------------- */

typedef struct {
    const char *guid;
    tsr_buf *out;
    size_t count;
} collect;

static bool belongs(const collect *c, const tsr_store_document *row)
{
    size_t n = strlen(c->guid);

    return strncmp(row->name, c->guid, n) == 0 && row->name[n] == '/';
}

static bool collect_row(void *arg, const tsr_store_document *row)
{
    collect *c = arg;

    if (!belongs(c, row))
        return false;
    rest_room(c->out, row->body.len + 4);
    tsr_put_text(c->out, c->count++ > 0 ? "," : "");
    tsr_put_bytes(c->out, row->body);
    return true;
}

static tsr_err each(tsr_fdo *f, const char *guid, tsr_store_document_fn *fn, void *arg)
{
    char after[NAME];

    (void)snprintf(after, sizeof after, "%s/", guid);
    return fdo_list(f, TSR_STORE_FDO_STAGE, after, TSR_FDO_STAGES, fn, arg);
}

tsr_err fdo_stages_put(tsr_fdo *f, const char *guid, tsr_buf *out)
{
    collect c = { guid, out, 0 };
    tsr_err err;

    rest_room(out, 4);
    tsr_put_text(out, "[");
    err = each(f, guid, collect_row, &c);
    rest_room(out, 4);
    tsr_put_text(out, "]");
    return err == TSR_OK ? out->err : err;
}

typedef struct {
    collect old;
    tsr_fdo *f;
    const char *to;
} follow;

static bool copy_row(void *arg, const tsr_store_document *row)
{
    follow *c = arg;

    if (!belongs(&c->old, row))
        return false;
    put_row(c->f, c->to, row->name + strlen(c->old.guid) + 1, row->body);
    return true;
}

void fdo_stages_follow(tsr_fdo *f, const char *from, const char *to)
{
    follow c = { { from, NULL, 0 }, f, to };

    (void)each(f, from, copy_row, &c);
}
