/* SPDX-License-Identifier: Apache-2.0
 *
 * An owner that says anything to the modules of ServiceInfo on a Linux device: names and paths, blocks, hashes,
 * commands and their arguments. The input is a row of steps: which module and message, the length of its
 * value, the value; a step may also let the module speak, with much or little room.
 * Nothing beside the root is read or changed, no file is longer than allowed, and what a module says is CBOR. */
#include "fuzz/fdo_folder.h"
#include "ports/linux/fdo/info.h"
#include "ports/linux/host/log.h"
#include "tessera/cbor/cbor.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MODULES = 3 };

static folder here;
static tsr_info_bounds bounds;
static tsr_info_download download;
static tsr_info_upload upload;
static tsr_info_command command;
static tsr_info all[MODULES];

static void leave(void) { folder_remove(&here); }

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    must(psa_crypto_init() == PSA_SUCCESS);
    tsr_host_log_level(TSR_LOG_ERROR);
    fdo_folder_make(&here);
    (void)atexit(leave);
    bounds = (tsr_info_bounds){ .root = here.root, .most_bytes = FDO_FILE_MAX,
                                .commands = { { "true", "/bin/true" }, { "echo", "/bin/echo" } },
                                .command_count = 2, .command_ms = 500, .command_output = 200 };
    return 0;
}

/* Mostly words that mean something. */
static tsr_bytes message_of(uint8_t which, tsr_bytes *in)
{
    static const char *const names[] = { "name", "length", "sha-384", "data", "need-sha", "command", "args",
                                         "may_fail", "return_stdout", "return_stderr", "execute", "sig" };

    if (which < sizeof names / sizeof *names)
        return tsr_text(names[which]);
    return take_some(in, which % 16);
}

/* false: it said something that ends the onboarding. */
static bool hear(const tsr_info *m, size_t room_len, uint64_t now_ms)
{
    uint8_t room[1200];
    short events;
    int fd;

    for (int i = 0; i < 20; i++) {
        tsr_buf value = tsr_buf_over(room, room_len);
        const char *message = NULL;
        tsr_err err = m->give(m->self, &message, &value, now_ms);

        (void)m->due_ms(m->self, &fd, &events, now_ms);
        if (err == TSR_END || err == TSR_E_SPACE)
            return true;
        if (err != TSR_OK)
            return false;
        must(message != NULL && value.len <= room_len);
        must(tsr_cbor_check(tsr_buf_view(&value)) == TSR_OK);
    }
    return true;
}

static bool step(const tsr_info *m, uint8_t which, tsr_bytes *in, uint64_t now_ms)
{
    tsr_bytes message, value;
    tsr_err err;

    if (which >= 0xc0)
        return hear(m, which >= 0xe0 ? 1200 : which - 0xc0u, now_ms);
    message = message_of(which & 31, in);
    value = take_some(in, take(in));
    if (tsr_cbor_check(value) != TSR_OK) /* the engine lets nothing else through */
        return true;
    err = m->take(m->self, message, value, now_ms);
    return err == TSR_OK || err == TSR_E_UNSUPPORTED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tsr_bytes in = tsr_view(data, size);
    uint64_t now_ms = 1000;
    bool goes_on = true;

    tsr_info_download_init(&download, &bounds, &all[0]);
    tsr_info_upload_init(&upload, &bounds, &all[1]);
    tsr_info_command_init(&command, &bounds, &all[2]);
    while (in.len > 1 && goes_on) {
        uint8_t which = take(&in);
        const tsr_info *m = &all[take(&in) % MODULES];

        goes_on = step(m, which, &in, now_ms);
        now_ms += 7;
    }
    for (int i = 0; i < MODULES; i++)
        all[i].drop(all[i].self);
    must(upload.fd == -1 && !tsr_beneath_open(&download.file) && !tsr_child_running(&command.child));
    fdo_folder_look(&here, true);
    return 0;
}
