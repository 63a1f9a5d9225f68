/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.command: the owner runs a program that the configuration names. */
#include <poll.h>

#include "ports/linux/fdo/info.h"
#include "tessera/cbor/cbor.h"

enum { LOOK_MS = 50 };

static const char module[] = "fdo.command";
static const char *const streams[] = { "stdout", "stderr" };

static tsr_err take_command(tsr_info_command *m, tsr_bytes value)
{
    char name[TSR_BENEATH_NAME];
    tsr_err err = tsr_info_text(value, name, sizeof name);

    m->program = NULL;
    if (err != TSR_OK)
        return err;
    for (size_t i = 0; i < m->bounds->command_count; i++) {
        if (strcmp(name, m->bounds->commands[i].name) == 0 ||
            strcmp(name, m->bounds->commands[i].program) == 0)
            m->program = m->bounds->commands[i].program;
    }
    if (m->program == NULL)
        tsr_info_log(module, "command-refused", name, TSR_E_NOT_FOUND);
    return TSR_OK; /* the answer is that of its execution */
}

/* A byte string that holds an array, or, as some owners send it, the array. */
static tsr_err take_args(tsr_info_command *m, tsr_bytes value)
{
    tsr_buf text = tsr_buf_over(m->text, sizeof m->text);
    tsr_bytes in = value, one;
    uint64_t count;

    m->arg_count = 0;
    if (tsr_cbor_get_bytes(&in, &one) == TSR_OK)
        in = one;
    if (tsr_cbor_get_array(&in, &count) != TSR_OK)
        return TSR_E_MALFORMED;
    if (count > TSR_CHILD_ARGS)
        return TSR_E_SPACE;
    for (; count > 0; count--) {
        if (tsr_cbor_get_text(&in, &one) != TSR_OK || memchr(one.ptr, 0, one.len) != NULL)
            return TSR_E_MALFORMED;
        m->args[m->arg_count++] = (char *)text.ptr + text.len;
        tsr_put_bytes(&text, one);
        tsr_put_u8(&text, 0);
    }
    return text.err != TSR_OK ? text.err : in.len != 0 ? TSR_E_MALFORMED : TSR_OK;
}

static tsr_err ended(tsr_info_command *m, int code)
{
    m->has_code = true;
    m->code = code;
    return code == 0 || m->may_fail ? TSR_OK : TSR_E_DENIED;
}

static tsr_err execute(tsr_info_command *m, uint64_t now_ms)
{
    const tsr_child_how how = { .program = m->program, .directory = m->bounds->root, .args = m->args,
                                .arg_count = m->arg_count, .most_ms = m->bounds->command_ms,
                                .most_output = m->bounds->command_output };
    tsr_err err;

    if (tsr_child_running(&m->child))
        return TSR_E_STATE;
    if (m->program == NULL)
        return ended(m, 127);
    m->running = m->program; /* the owner may name another while it runs */
    err = tsr_child_start(&m->child, &how, now_ms);
    tsr_info_log(module, err == TSR_OK ? "command" : "command-failed", m->program, err);
    return err == TSR_OK ? TSR_OK : ended(m, 127);
}

static tsr_err take_signal(const tsr_info_command *m, tsr_bytes value)
{
    int64_t number;

    if (tsr_cbor_get_int(&value, &number) != TSR_OK || number < 1 || number > 64)
        return TSR_E_MALFORMED;
    tsr_child_signal(&m->child, (int)number);
    return TSR_OK;
}

static tsr_err command_take(void *self, tsr_bytes message, tsr_bytes value, uint64_t now_ms)
{
    tsr_info_command *m = self;

    if (tsr_same(message, tsr_text("command")))
        return take_command(m, value);
    if (tsr_same(message, tsr_text("args")))
        return take_args(m, value);
    if (tsr_same(message, tsr_text("may_fail")))
        return tsr_cbor_get_bool(&value, &m->may_fail);
    if (tsr_same(message, tsr_text("return_stdout")))
        return tsr_cbor_get_bool(&value, &m->give_stream[0]);
    if (tsr_same(message, tsr_text("return_stderr")))
        return tsr_cbor_get_bool(&value, &m->give_stream[1]);
    if (tsr_same(message, tsr_text("execute")))
        return execute(m, now_ms);
    if (tsr_same(message, tsr_text("sig")))
        return take_signal(m, value);
    return TSR_E_UNSUPPORTED;
}

/* What is not wanted is read as well: a full pipe would stop the program. */
static tsr_err give_stream(tsr_info_command *m, int stream, tsr_buf *value)
{
    uint8_t block[TSR_INFO_BLOCK];
    size_t room = value->cap - value->len;
    tsr_buf out = tsr_buf_over(block, room < 8 ? 0 : room - 5 < sizeof block ? room - 5 : sizeof block);

    do {
        out.len = 0;
        if (tsr_child_read(&m->child, stream, &out) != TSR_OK)
            return TSR_END;
    } while (!m->give_stream[stream]);
    tsr_cbor_put_bytes(value, tsr_buf_view(&out));
    return value->err;
}

static void command_drop(void *self)
{
    tsr_info_command *m = self;

    tsr_child_drop(&m->child);
    m->program = NULL;
    m->arg_count = 0;
    m->may_fail = m->has_code = m->give_stream[0] = m->give_stream[1] = false;
}

static tsr_err command_give(void *self, const char **message, tsr_buf *value, uint64_t now_ms)
{
    tsr_info_command *m = self;
    int code;

    for (int stream = 0; stream < 2 && tsr_child_running(&m->child); stream++) {
        tsr_err err = give_stream(m, stream, value);

        *message = streams[stream];
        if (err != TSR_END)
            return err;
    }
    if (tsr_child_ended(&m->child, now_ms, &code) && ended(m, code) != TSR_OK) {
        tsr_info_log(module, "command-failed", m->running, TSR_E_DENIED);
        return TSR_E_DENIED;
    }
    if (!m->has_code)
        return TSR_END;
    tsr_cbor_put_int(value, m->code);
    if (value->err == TSR_OK)
        command_drop(m);
    *message = "exitcode";
    return value->err;
}

/* Two pipes and an end: looked at often enough. */
static uint64_t command_due(const void *self, int *fd, short *events, uint64_t now_ms)
{
    const tsr_info_command *m = self;

    *fd = tsr_child_running(&m->child) ? m->child.end[0] : -1;
    *events = POLLIN;
    return tsr_child_running(&m->child) ? now_ms + LOOK_MS : UINT64_MAX;
}

void tsr_info_command_init(tsr_info_command *m, const tsr_info_bounds *bounds, tsr_info *info)
{
    memset(m, 0, sizeof *m);
    m->bounds = bounds;
    *info = (tsr_info){ module, NULL, command_take, command_give, command_due, command_drop, m };
}
