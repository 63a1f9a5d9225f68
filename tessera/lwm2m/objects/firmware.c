/* SPDX-License-Identifier: Apache-2.0
 *
 * The state machine of Core E.6, and its resources. */
#include "tessera/lwm2m/objects/firmware.h"

#include "generated/lwm2m_objects.h"

static const tsr_lwm2m_resource_info resources[] = {
    TSR_LWM2M_5_R0,  TSR_LWM2M_5_R1,  TSR_LWM2M_5_R2,  TSR_LWM2M_5_R3, TSR_LWM2M_5_R5,
    TSR_LWM2M_5_R6,  TSR_LWM2M_5_R7,  TSR_LWM2M_5_R8,  TSR_LWM2M_5_R9, TSR_LWM2M_5_R10,
    TSR_LWM2M_5_R11, TSR_LWM2M_5_R12, TSR_LWM2M_5_R13, TSR_LWM2M_5_R14,
};

static const tsr_lwm2m_object_info self = TSR_LWM2M_5_INFO(resources);

enum { PUSH_ONLY = 1, BOTH = 2, SEVERITY_MANDATORY = 1, SEVERITY_LAST = 2 };

/* ---- the machine ---- */

/* Object 5 wants the time set before the state. */
static void enter(tsr_lwm2m_firmware *f, tsr_lwm2m_firmware_state state,
                  tsr_lwm2m_firmware_result result)
{
    if (f->state != state)
        f->changed_unix_s = f->unix_s;
    f->state = (uint8_t)state;
    f->result = (uint8_t)result;
    f->changed = true;
    if (state == TSR_LWM2M_FIRMWARE_UPDATING)
        f->install = true;
}

/* Back to Idle; what was stored is given up. */
static void drop(tsr_lwm2m_firmware *f, tsr_lwm2m_firmware_result result)
{
    if (f->state != TSR_LWM2M_FIRMWARE_IDLE)
        f->backend->abort(f->user);
    f->fetch = f->install = f->pushed = false;
    f->offset = 0;
    f->etag_len = 0;
    enter(f, TSR_LWM2M_FIRMWARE_IDLE, result);
}

static void reset(tsr_lwm2m_firmware *f)
{
    drop(f, TSR_LWM2M_FIRMWARE_INITIAL);
    f->uri[0] = '\0';
}

static tsr_err refused(tsr_lwm2m_firmware *f, tsr_lwm2m_firmware_result result)
{
    drop(f, result);
    return result == TSR_LWM2M_FIRMWARE_NO_FLASH || result == TSR_LWM2M_FIRMWARE_NO_RAM
               ? TSR_E_SPACE
               : TSR_E_IO;
}

static void finish(tsr_lwm2m_firmware *f)
{
    tsr_lwm2m_firmware_result result = f->backend->finish(f->user);

    if (result != TSR_LWM2M_FIRMWARE_INITIAL)
        drop(f, result);
    else
        enter(f, f->automatic ? TSR_LWM2M_FIRMWARE_UPDATING : TSR_LWM2M_FIRMWARE_DOWNLOADED,
              TSR_LWM2M_FIRMWARE_INITIAL);
}

/* A part of a package, whichever way it came. */
static tsr_err take(tsr_lwm2m_firmware *f, uint32_t offset, tsr_bytes part, bool last)
{
    tsr_lwm2m_firmware_result result = TSR_LWM2M_FIRMWARE_INITIAL;

    if (offset != 0 && offset != f->offset)
        return TSR_E_STATE;
    if (part.len > UINT32_MAX - offset)
        return refused(f, TSR_LWM2M_FIRMWARE_NO_FLASH);
    if (offset == 0)
        result = f->backend->begin(f->user);
    if (result == TSR_LWM2M_FIRMWARE_INITIAL && part.len != 0)
        result = f->backend->write(f->user, offset, part);
    if (result != TSR_LWM2M_FIRMWARE_INITIAL)
        return refused(f, result);
    f->offset = offset + (uint32_t)part.len;
    if (last)
        finish(f);
    return TSR_OK;
}

tsr_err tsr_lwm2m_firmware_push(tsr_lwm2m_firmware *f, uint32_t source, uint32_t offset,
                                tsr_bytes part, bool last, uint64_t now_ms)
{
    bool running = f->state == TSR_LWM2M_FIRMWARE_DOWNLOADING && f->pushed && f->source == source;

    if (!running && f->state != TSR_LWM2M_FIRMWARE_IDLE)
        return TSR_E_DENIED;
    if (!running && offset != 0)
        return TSR_E_STATE;
    if (!running) {
        f->uri[0] = '\0';
        f->pushed = true;
        f->source = source;
        enter(f, TSR_LWM2M_FIRMWARE_DOWNLOADING, TSR_LWM2M_FIRMWARE_INITIAL);
    }
    f->last_ms = now_ms;
    return take(f, offset, part, last);
}

tsr_err tsr_lwm2m_firmware_pull(tsr_lwm2m_firmware *f, uint32_t offset, tsr_bytes part, bool last)
{
    if (f->state != TSR_LWM2M_FIRMWARE_DOWNLOADING || f->pushed)
        return TSR_E_DENIED;
    return take(f, offset, part, last);
}

void tsr_lwm2m_firmware_fail(tsr_lwm2m_firmware *f, tsr_lwm2m_firmware_result result)
{
    if (f->state == TSR_LWM2M_FIRMWARE_DOWNLOADING)
        drop(f, result);
}

void tsr_lwm2m_firmware_done(tsr_lwm2m_firmware *f, tsr_lwm2m_firmware_result result)
{
    f->install = f->pushed = false;
    f->offset = 0;
    enter(f, TSR_LWM2M_FIRMWARE_IDLE, result);
}

void tsr_lwm2m_firmware_resume(tsr_lwm2m_firmware *f, uint32_t stored, bool is_whole)
{
    if (f->state == TSR_LWM2M_FIRMWARE_DOWNLOADED && !is_whole)
        drop(f, TSR_LWM2M_FIRMWARE_INTEGRITY);
    if (f->state != TSR_LWM2M_FIRMWARE_DOWNLOADING)
        return;
    if (f->pushed) {
        drop(f, TSR_LWM2M_FIRMWARE_CONNECTION_LOST);
        return;
    }
    f->offset = f->etag_len != 0 ? stored : 0; /* nothing says that the rest is of the same */
    f->fetch = true;
}

void tsr_lwm2m_firmware_step(tsr_lwm2m_firmware *f, uint64_t now_ms)
{
    if (now_ms >= tsr_lwm2m_firmware_due_ms(f))
        drop(f, TSR_LWM2M_FIRMWARE_CONNECTION_LOST);
}

uint64_t tsr_lwm2m_firmware_due_ms(const tsr_lwm2m_firmware *f)
{
    return f->state == TSR_LWM2M_FIRMWARE_DOWNLOADING && f->pushed ? f->last_ms + f->push_wait_ms
                                                                   : UINT64_MAX;
}

/* ---- Package and Package URI ---- */

static tsr_err write_package(tsr_lwm2m_firmware *f, tsr_bytes package, bool commit)
{
    bool resets = package.len == 0 || (package.len == 1 && package.ptr[0] == 0);

    if (f->state == TSR_LWM2M_FIRMWARE_UPDATING || (!resets && f->state != TSR_LWM2M_FIRMWARE_IDLE))
        return TSR_E_DENIED;
    if (!commit)
        return TSR_OK;
    if (resets)
        reset(f);
    else
        (void)tsr_lwm2m_firmware_push(f, 0, 0, package, true, 0); /* `result` tells */
    return TSR_OK;
}

static void start_pull(tsr_lwm2m_firmware *f, tsr_bytes uri)
{
    int protocol;

    memcpy(f->uri, uri.ptr, uri.len);
    f->uri[uri.len] = '\0';
    protocol = tsr_lwm2m_protocol_of(f->uri);
    f->pushed = false;
    f->offset = 0;
    f->etag_len = 0;
    if (protocol < 0)
        enter(f, TSR_LWM2M_FIRMWARE_IDLE, TSR_LWM2M_FIRMWARE_BAD_URI);
    else if ((f->protocols >> protocol & 1) == 0)
        enter(f, TSR_LWM2M_FIRMWARE_IDLE, TSR_LWM2M_FIRMWARE_PROTOCOL);
    else {
        enter(f, TSR_LWM2M_FIRMWARE_DOWNLOADING, TSR_LWM2M_FIRMWARE_INITIAL);
        f->fetch = true;
    }
}

static tsr_err write_uri(tsr_lwm2m_firmware *f, tsr_bytes uri, bool commit)
{
    if (uri.len > TSR_LWM2M_FIRMWARE_URI || (uri.len != 0 && memchr(uri.ptr, 0, uri.len) != NULL))
        return TSR_E_TYPE;
    if (f->state == TSR_LWM2M_FIRMWARE_UPDATING ||
        (uri.len != 0 && f->state != TSR_LWM2M_FIRMWARE_IDLE))
        return TSR_E_DENIED;
    if (commit && uri.len == 0)
        reset(f);
    else if (commit)
        start_pull(f, uri);
    return TSR_OK;
}

/* ---- the object ---- */

static tsr_err put_protocols(const tsr_lwm2m_firmware *f, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    tsr_lwm2m_path each = at;
    tsr_err err = TSR_E_NOT_FOUND;
    uint16_t n = 0;

    each.depth = 4;
    for (unsigned i = 0; i < TSR_LWM2M_PROTOCOLS; i++) {
        if ((f->protocols >> i & 1) == 0)
            continue;
        each.resource_instance = n++;
        if (tsr_lwm2m_wanted(at, each.resource_instance))
            err = tsr_lwm2m_put_int(out, each, i);
    }
    return err;
}

static tsr_err put_known(tsr_lwm2m_out *out, tsr_lwm2m_path at, const char *text)
{
    return text[0] != '\0' ? tsr_lwm2m_put_text(out, at, tsr_text(text)) : TSR_E_NOT_FOUND;
}

/* Core 6.3.1 */
static tsr_err read(const void *state, tsr_lwm2m_path at, tsr_lwm2m_out *out)
{
    const tsr_lwm2m_firmware *f = state;

    switch (at.resource) {
    case TSR_LWM2M_5_PACKAGE_URI:   return tsr_lwm2m_put_text(out, at, tsr_text(f->uri));
    case TSR_LWM2M_5_STATE:         return tsr_lwm2m_put_int(out, at, f->state);
    case TSR_LWM2M_5_UPDATE_RESULT: return tsr_lwm2m_put_int(out, at, f->result);
    case TSR_LWM2M_5_PKGNAME:       return put_known(out, at, f->name);
    case TSR_LWM2M_5_PKGVERSION:    return put_known(out, at, f->version);
    case TSR_LWM2M_5_FIRMWARE_UPDATE_PROTOCOL_SUPPORT: return put_protocols(f, at, out);
    case TSR_LWM2M_5_FIRMWARE_UPDATE_DELIVERY_METHOD:
        return tsr_lwm2m_put_int(out, at, f->protocols != 0 ? BOTH : PUSH_ONLY);
    case TSR_LWM2M_5_SEVERITY: return tsr_lwm2m_put_int(out, at, f->severity);
    case TSR_LWM2M_5_LAST_STATE_CHANGE_TIME:
        return f->changed_unix_s != 0 ? tsr_lwm2m_put_time(out, at, f->changed_unix_s)
                                      : TSR_E_NOT_FOUND;
    case TSR_LWM2M_5_MAXIMUM_DEFER_PERIOD:          return tsr_lwm2m_put_uint(out, at, f->defer_s);
    case TSR_LWM2M_5_AUTOMATIC_UPGRADE_AT_DOWNLOAD: return tsr_lwm2m_put_bool(out, at, f->automatic);
    default: return TSR_E_NOT_FOUND;
    }
}

/* Core 6.3.3. A Replace that mentions neither Package nor Package URI asks for no update. */
static tsr_err write(void *state, tsr_lwm2m_path at, const tsr_lwm2m_value *value,
                     tsr_lwm2m_phase phase)
{
    tsr_lwm2m_firmware *f = state;
    bool commit = phase == TSR_LWM2M_COMMIT;
    int64_t severity;
    uint64_t defer_s;

    switch (at.resource) {
    case TSR_LWM2M_5_PACKAGE:
        return value != NULL ? write_package(f, value->as.bytes, commit) : TSR_OK;
    case TSR_LWM2M_5_PACKAGE_URI:
        return value != NULL ? write_uri(f, value->as.bytes, commit) : TSR_OK;
    case TSR_LWM2M_5_SEVERITY:
        severity = value != NULL ? value->as.i : SEVERITY_MANDATORY;
        if (severity < 0 || severity > SEVERITY_LAST)
            return TSR_E_TYPE;
        if (commit)
            f->severity = (uint8_t)severity;
        return TSR_OK;
    case TSR_LWM2M_5_MAXIMUM_DEFER_PERIOD:
        defer_s = value != NULL ? value->as.u : 0;
        if (defer_s > UINT32_MAX)
            return TSR_E_TYPE;
        if (commit)
            f->defer_s = (uint32_t)defer_s;
        return TSR_OK;
    default:
        if (commit)
            f->automatic = value != NULL && value->as.b;
        return TSR_OK;
    }
}

/* Core 6.3.5. Update only where there is a package, Cancel only where nothing is installed yet. */
static tsr_err execute(void *state, tsr_lwm2m_path at, tsr_bytes arguments)
{
    tsr_lwm2m_firmware *f = state;

    if (arguments.len != 0)
        return TSR_E_ARGUMENT;
    if (at.resource == TSR_LWM2M_5_UPDATE) {
        if (f->state != TSR_LWM2M_FIRMWARE_DOWNLOADED)
            return TSR_E_DENIED;
        enter(f, TSR_LWM2M_FIRMWARE_UPDATING, TSR_LWM2M_FIRMWARE_INITIAL);
        return TSR_OK;
    }
    if (f->state != TSR_LWM2M_FIRMWARE_DOWNLOADING && f->state != TSR_LWM2M_FIRMWARE_DOWNLOADED)
        return TSR_E_DENIED;
    drop(f, TSR_LWM2M_FIRMWARE_CANCELLED);
    return TSR_OK;
}

static void save(const void *state, tsr_buf *out)
{
    const tsr_lwm2m_firmware *f = state;

    tsr_put_u8(out, f->state);
    tsr_put_u8(out, f->result);
    tsr_put_u8(out, f->severity);
    tsr_put_u8(out, (uint8_t)(f->automatic | f->pushed << 1));
    tsr_put_u32(out, f->defer_s);
    tsr_put_u64(out, (uint64_t)f->changed_unix_s);
    tsr_put_u8(out, f->etag_len);
    tsr_put_bytes(out, tsr_view(f->etag, f->etag_len));
    tsr_put_text(out, f->uri);
}

static bool is_good(const tsr_lwm2m_firmware *f)
{
    return f->state <= TSR_LWM2M_FIRMWARE_UPDATING && f->result <= TSR_LWM2M_FIRMWARE_DEFERRED &&
           f->severity <= SEVERITY_LAST && f->etag_len <= sizeof f->etag;
}

/* Also takes back a change that could not be saved: nothing is installed then, a download goes on, and one that
 * was given up is begun anew. */
static tsr_err load(void *state, tsr_bytes in)
{
    tsr_lwm2m_firmware *f = state, g = *f;
    uint64_t changed_unix_s;
    tsr_bytes etag;
    uint8_t flags;

    if (tsr_get_u8(&in, &g.state) != TSR_OK || tsr_get_u8(&in, &g.result) != TSR_OK ||
        tsr_get_u8(&in, &g.severity) != TSR_OK || tsr_get_u8(&in, &flags) != TSR_OK ||
        tsr_get_u32(&in, &g.defer_s) != TSR_OK || tsr_get_u64(&in, &changed_unix_s) != TSR_OK ||
        tsr_get_u8(&in, &g.etag_len) != TSR_OK || !is_good(&g) || flags > 3 ||
        tsr_get_bytes(&in, g.etag_len, &etag) != TSR_OK || in.len > TSR_LWM2M_FIRMWARE_URI)
        return TSR_E_MALFORMED;
    if (etag.len != 0)
        memcpy(g.etag, etag.ptr, etag.len);
    if (in.len != 0)
        memcpy(g.uri, in.ptr, in.len);
    g.uri[in.len] = '\0';
    g.automatic = (flags & 1) != 0;
    g.pushed = (flags & 2) != 0;
    g.changed_unix_s = (int64_t)changed_unix_s;
    g.install = false;
    if (g.state != f->state) {
        g.offset = 0;
        g.fetch = g.state == TSR_LWM2M_FIRMWARE_DOWNLOADING && !g.pushed;
    }
    *f = g;
    return TSR_OK;
}

void tsr_lwm2m_firmware_init(tsr_lwm2m_firmware *f, const tsr_lwm2m_firmware_backend *backend,
                             void *user)
{
    *f = (tsr_lwm2m_firmware){ .backend = backend, .user = user,
                               .push_wait_ms = TSR_LWM2M_FIRMWARE_PUSH_MS,
                               .severity = SEVERITY_MANDATORY };
}

tsr_lwm2m_object tsr_lwm2m_firmware_object(tsr_lwm2m_firmware *firmware)
{
    static const tsr_lwm2m_handlers handlers = { .read = read, .write = write, .execute = execute,
                                                 .save = save, .load = load };

    return (tsr_lwm2m_object){ &self, &handlers, firmware };
}
