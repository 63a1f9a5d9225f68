/* SPDX-License-Identifier: Apache-2.0
 *
 * An owner that says anything to the modules of ServiceInfo on a Linux device: names and paths, blocks, hashes,
 * commands and their arguments. The input is a row of steps: which module and message, the length of its
 * value, the value; a step may also let the module speak, with much or little room.
 * Nothing beside the root is read or changed; no file is longer than allowed, or there before the owner is told so; what
 * is uploaded is as long as announced and has the hash that is said; and what a module says is CBOR. */
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

/* What an upload and a download have said so far. */
static struct {
    bool knows; /* the input itself says what is beside the root */
    bool written;
    bool uploads;
    uint64_t left;
    uint8_t content[FDO_FILE_MAX];
    size_t len;
} said;

static void look_at_upload(const char *message, tsr_bytes value)
{
    uint8_t hash[TSR_BENEATH_SHA384];
    tsr_bytes bytes = { NULL, 0 };
    size_t len;

    if (strcmp(message, "length") == 0) {
        said.uploads = true;
        said.len = 0;
        must(tsr_cbor_get_uint(&value, &said.left) == TSR_OK && said.left <= FDO_FILE_MAX);
        return;
    }
    must(said.uploads && tsr_cbor_get_bytes(&value, &bytes) == TSR_OK);
    if (strcmp(message, "data") == 0) {
        must(bytes.len <= said.left);
        if (bytes.len != 0)
            memcpy(said.content + said.len, bytes.ptr, bytes.len);
        said.len += bytes.len;
        said.left -= bytes.len;
        return;
    }
    must(strcmp(message, "sha-384") == 0 && said.left == 0);
    must(psa_hash_compute(PSA_ALG_SHA_384, said.content, said.len, hash, sizeof hash, &len) == PSA_SUCCESS);
    must(tsr_same(bytes, tsr_view(hash, sizeof hash)));
    said.uploads = false;
}

static void look(const tsr_info *m, const char *message, tsr_bytes value)
{
    int64_t done = -1;

    must(said.knows || memmem(value.ptr, value.len, "secret", 6) == NULL);
    if (m == &all[1])
        look_at_upload(message, value);
    if (m == &all[0])
        must(strcmp(message, "done") == 0 && tsr_cbor_get_int(&value, &done) == TSR_OK && done <= FDO_FILE_MAX);
    said.written |= done >= 0;
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
        look(m, message, tsr_buf_view(&value));
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

    memset(&said, 0, sizeof said);
    said.knows = memmem(data, size, "secr", 4) != NULL;
    tsr_info_download_init(&download, &bounds, &all[0]);
    tsr_info_upload_init(&upload, &bounds, &all[1]);
    tsr_info_command_init(&command, &bounds, &all[2]);
    while (in.len > 1 && goes_on) {
        uint8_t which = take(&in);
        const tsr_info *m = &all[take(&in) % MODULES];

        goes_on = step(m, which, &in, now_ms);
        now_ms += 7;
    }
    for (size_t i = 0; i < download.done_count; i++)
        said.written |= download.done[i] >= 0; /* or about to be said */
    for (int i = 0; i < MODULES; i++)
        all[i].drop(all[i].self);
    must(upload.fd == -1 && !tsr_beneath_open(&download.file) && !tsr_child_running(&command.child));
    fdo_folder_look(&here, said.written);
    return 0;
}
