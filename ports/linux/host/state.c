/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/host/state.h"

#include <errno.h>
#include <string.h>

#include "ports/linux/host/file.h"
#include "ports/linux/host/log.h"

static const char file[] = "client";

tsr_err tsr_host_state_save(const tsr_host_state *s, tsr_bytes state)
{
    tsr_buf out = tsr_buf_over(s->room, s->room_len);
    tsr_err err;

    tsr_put_u64(&out, s->mark);
    tsr_put_bytes(&out, state);
    if (out.err != TSR_OK)
        return out.err; /* the caller gave less room than its state has */
    err = tsr_host_store(s->directory, file, tsr_buf_view(&out));
    if (err != TSR_OK)
        tsr_host_log(TSR_LOG_ERROR, "save-failed", "directory=\"%s\" cause=\"%s\" remedy=\"%s\"",
                     s->directory, strerror(errno),
                     errno == ENOSPC ? "free disk space; writes are refused until then"
                                     : "make the directory writable for this user");
    return err;
}

tsr_err tsr_host_state_load(const tsr_host_state *s, uint64_t *mark, tsr_bytes *state)
{
    tsr_buf in = tsr_buf_over(s->room, s->room_len);
    tsr_err err = tsr_host_load(s->directory, file, &in);
    tsr_bytes bytes = tsr_buf_view(&in);

    if (err == TSR_OK)
        err = tsr_get_u64(&bytes, mark);
    if (err == TSR_OK)
        *state = bytes;
    return err;
}

void tsr_host_state_damaged(const tsr_host_state *s, tsr_err cause)
{
    tsr_host_set_aside(s->directory, file);
    tsr_host_log(TSR_LOG_ERROR, "state-damaged", "file=\"%s/%s\" cause=%s remedy=\"registering "
                 "anew; the file is kept as %s.damaged\"", s->directory, file, tsr_err_name(cause),
                 file);
}
