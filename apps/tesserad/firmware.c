/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tesserad/firmware.h"

#include "ports/linux/host/system.h"
#include "psa/update.h"

enum { BLOCK_MOST = 1024 }; /* a download goes on at a whole block of any size */

/* ---- the backend ---- */

static psa_fwu_component_t component_of(const firmware *f) { return f->update->component; }

static uint8_t query(const firmware *f, psa_fwu_component_info_t *info)
{
    *info = (psa_fwu_component_info_t){ 0 };
    return psa_fwu_query(component_of(f), info) == PSA_SUCCESS ? info->state : UINT8_MAX;
}

static tsr_lwm2m_firmware_result failed(const char *call, psa_status_t status,
                                        tsr_lwm2m_firmware_result result)
{
    tsr_host_log(TSR_LOG_WARNING, "package-refused", "call=%s status=%d result=%d", call, (int)status,
                 (int)result);
    return result;
}

/* Leads to READY from wherever that is possible. */
static psa_status_t clear(const firmware *f)
{
    psa_fwu_component_info_t info;
    uint8_t state = query(f, &info);
    psa_status_t status = PSA_SUCCESS;

    if (state == PSA_FWU_WRITING || state == PSA_FWU_CANDIDATE)
        status = psa_fwu_cancel(component_of(f));
    if (status == PSA_SUCCESS && state != PSA_FWU_READY)
        status = psa_fwu_clean(component_of(f));
    return status;
}

static tsr_lwm2m_firmware_result fwu_begin(void *user)
{
    const firmware *f = user;
    psa_status_t status = clear(f);

    if (status != PSA_SUCCESS)
        return failed("clean", status, TSR_LWM2M_FIRMWARE_FAILED);
    status = psa_fwu_start(component_of(f), NULL, 0);
    return status == PSA_SUCCESS ? TSR_LWM2M_FIRMWARE_INITIAL
                                 : failed("start", status, TSR_LWM2M_FIRMWARE_FAILED);
}

static tsr_lwm2m_firmware_result fwu_write_one(const firmware *f, uint32_t offset, tsr_bytes part)
{
    psa_status_t status = psa_fwu_write(component_of(f), offset, part.ptr, part.len);

    switch (status) {
    case PSA_SUCCESS: return TSR_LWM2M_FIRMWARE_INITIAL;
    case PSA_ERROR_INVALID_ARGUMENT: /* beyond the slot's end: the alignment is right */
    case PSA_ERROR_INSUFFICIENT_STORAGE:
    case PSA_ERROR_STORAGE_FAILURE: return failed("write", status, TSR_LWM2M_FIRMWARE_NO_FLASH);
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return failed("write", status, TSR_LWM2M_FIRMWARE_NO_RAM);
    default: return failed("write", status, TSR_LWM2M_FIRMWARE_FAILED);
    }
}

static tsr_lwm2m_firmware_result fwu_write(void *user, uint32_t offset, tsr_bytes part)
{
    tsr_lwm2m_firmware_result result = TSR_LWM2M_FIRMWARE_INITIAL;

    while (part.len != 0 && result == TSR_LWM2M_FIRMWARE_INITIAL) {
        tsr_bytes piece = tsr_first(part, PSA_FWU_MAX_WRITE_SIZE);

        result = fwu_write_one(user, offset, piece);
        offset += (uint32_t)piece.len;
        part = tsr_skip(part, piece.len);
    }
    return result;
}

/* Whole but for others, or not whole. */
static tsr_lwm2m_firmware_result result_of(uint8_t why)
{
    switch (why) {
    case TSR_FWU_WHY_FORMAT:
    case TSR_FWU_WHY_VENDOR:
    case TSR_FWU_WHY_CLASS:
    case TSR_FWU_WHY_COMPONENT:
    case TSR_FWU_WHY_OLDER:
    case TSR_FWU_WHY_ENCRYPTED: return TSR_LWM2M_FIRMWARE_TYPE;
    default: return TSR_LWM2M_FIRMWARE_INTEGRITY;
    }
}

static tsr_lwm2m_firmware_result fwu_finish(void *user)
{
    const firmware *f = user;
    psa_fwu_component_info_t info;
    psa_status_t status = psa_fwu_finish(component_of(f));

    if (status == PSA_SUCCESS) {
        tsr_host_log(TSR_LOG_INFO, "package-verified", "bytes=%lu",
                     (unsigned long)f->object.offset);
        return TSR_LWM2M_FIRMWARE_INITIAL;
    }
    return failed("finish", status,
                  query(f, &info) == PSA_FWU_FAILED ? result_of(info.impl.why)
                                                    : TSR_LWM2M_FIRMWARE_FAILED);
}

static void fwu_abort(void *user) { (void)clear(user); }

static const tsr_lwm2m_firmware_backend backend = { fwu_begin, fwu_write, fwu_finish, fwu_abort };

/* ---- from downloaded to running ---- */

static void not_installed(firmware *f, const char *call, psa_status_t status)
{
    tsr_host_log(TSR_LOG_ERROR, "firmware-not-installed", "call=%s status=%d", call, (int)status);
    (void)psa_fwu_reject(status);
    (void)clear(f);
    tsr_lwm2m_firmware_done(&f->object, TSR_LWM2M_FIRMWARE_FAILED);
}

/* The launcher ends this process; the next one finds out. */
static void restart(firmware *f)
{
    psa_status_t status = psa_fwu_request_reboot();

    if (status != PSA_SUCCESS)
        not_installed(f, "request_reboot", status);
}

static void install(firmware *f)
{
    psa_status_t status = psa_fwu_install();

    if (status == PSA_SUCCESS_REBOOT) {
        tsr_host_log(TSR_LOG_INFO, "firmware-staged", "cause=\"a server asked for the update\"");
        restart(f);
    } else if (status == PSA_SUCCESS)
        firmware_judged(f);
    else
        not_installed(f, "install", status);
}

void firmware_judged(firmware *f)
{
    psa_fwu_component_info_t info;

    if (f->update->launched && query(f, &info) == PSA_FWU_UPDATED)
        tsr_lwm2m_firmware_done(&f->object, TSR_LWM2M_FIRMWARE_SUCCESS);
}

/* Updating, and started again: still the old version, or the new one, on trial or kept. */
static void find_out(firmware *f, uint8_t state)
{
    switch (state) {
    case PSA_FWU_TRIAL:     break; /* until it is judged */
    case PSA_FWU_CANDIDATE: f->object.install = true; break;
    case PSA_FWU_STAGED:    restart(f); break;
    case PSA_FWU_UPDATED:   tsr_lwm2m_firmware_done(&f->object, TSR_LWM2M_FIRMWARE_SUCCESS); break;
    default:                tsr_lwm2m_firmware_done(&f->object, TSR_LWM2M_FIRMWARE_FAILED); break;
    }
}

/* ---- what is downloaded ---- */

/* The ETag is there before the first byte is stored, and saved with the state. */
static void pull_part(void *user, const download_part *p)
{
    tsr_lwm2m_firmware *o = &((firmware *)user)->object;

    if (p->offset == 0) {
        o->etag_len = (uint8_t)p->etag.len;
        if (p->etag.len != 0)
            memcpy(o->etag, p->etag.ptr, p->etag.len);
        o->changed = true;
    }
    (void)tsr_lwm2m_firmware_pull(o, p->offset, p->part, p->last); /* `state` says how it went */
}

static void pull_failed(void *user, download_failure why)
{
    static const tsr_lwm2m_firmware_result results[] = {
        [DOWNLOAD_LOST] = TSR_LWM2M_FIRMWARE_CONNECTION_LOST,
        [DOWNLOAD_BAD_URI] = TSR_LWM2M_FIRMWARE_BAD_URI,
        [DOWNLOAD_TOO_LONG] = TSR_LWM2M_FIRMWARE_NO_FLASH,
    };

    tsr_lwm2m_firmware_fail(&((firmware *)user)->object, results[why]);
}

static void step_download(firmware *f, uint64_t now_ms)
{
    const download_taker taker = { pull_part, pull_failed, f };
    tsr_lwm2m_firmware *o = &f->object;

    if (o->fetch) {
        o->fetch = false;
        download_begin(&f->download, o->uri, o->offset, tsr_view(o->etag, o->etag_len), &taker,
                       f->place, now_ms);
    }
    download_step(&f->download, o->state == TSR_LWM2M_FIRMWARE_DOWNLOADING && !o->pushed, now_ms);
}

/* ---- the daemon's side ---- */

static tsr_err push(void *user, uint32_t source, uint32_t offset, tsr_bytes part, bool last,
                    uint64_t now_ms)
{
    return tsr_lwm2m_firmware_push(user, source, offset, part, last, now_ms);
}

void firmware_place(firmware *f, const update *u, const download_place *place, device *d)
{
    f->update = u;
    f->place = place;
    download_init(&f->download);
    if (!u->launched)
        return;
    tsr_lwm2m_firmware_init(&f->object, &backend, f);
    f->object.protocols = DOWNLOAD_PROTOCOLS;
    f->object.push_wait_ms = (uint64_t)u->config->push_wait_s * 1000;
    f->object.unix_s = tsr_host_unix_s();
    device_add(d, tsr_lwm2m_firmware_object(&f->object));
}

void firmware_resume(firmware *f, tsr_lwm2m_client *client)
{
    psa_fwu_component_info_t info;
    uint8_t state;

    if (!f->update->launched)
        return;
    f->client = client;
    f->stream = (tsr_lwm2m_stream){ .at = { 5, 0, 0, 0, 3 }, .part = push, .user = &f->object };
    tsr_lwm2m_client_stream(client, &f->stream);
    state = query(f, &info);
    tsr_lwm2m_firmware_resume(&f->object,
                              state == PSA_FWU_WRITING ? info.impl.written & ~(BLOCK_MOST - 1u) : 0,
                              state == PSA_FWU_CANDIDATE);
    if (f->object.state == TSR_LWM2M_FIRMWARE_UPDATING)
        find_out(f, state);
}

void firmware_tell(firmware *f)
{
    tsr_lwm2m_firmware *o = &f->object;

    if (f->client == NULL)
        return;
    o->unix_s = tsr_host_unix_s();
    if (!o->changed)
        return;
    o->changed = false;
    tsr_host_log(TSR_LOG_INFO, "firmware-state", "state=%u result=%u", o->state, o->result);
    tsr_lwm2m_client_changed(f->client, tsr_lwm2m_at_instance(5, 0));
    (void)tsr_lwm2m_client_save(f->client);
}

void firmware_step(firmware *f, uint64_t now_ms)
{
    if (f->client == NULL)
        return;
    tsr_lwm2m_firmware_step(&f->object, now_ms);
    step_download(f, now_ms);
    if (f->object.install) {
        f->object.install = false;
        install(f);
    }
}

struct pollfd firmware_watch(const firmware *f) { return download_watch(&f->download); }

void firmware_receive(firmware *f, uint64_t now_ms)
{
    download_receive(&f->download, now_ms);
}

void firmware_end(firmware *f) { download_end(&f->download); }

uint64_t firmware_due_ms(const firmware *f)
{
    uint64_t push_ms, pull_ms;

    if (f->client == NULL)
        return UINT64_MAX;
    if (f->object.changed || f->object.install || f->object.fetch)
        return 0;
    push_ms = tsr_lwm2m_firmware_due_ms(&f->object);
    pull_ms = download_due_ms(&f->download);
    return push_ms < pull_ms ? push_ms : pull_ms;
}
