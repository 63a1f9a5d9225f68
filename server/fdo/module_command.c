/* SPDX-License-Identifier: Apache-2.0
 *
 * fdo.command runs a program on the device, which has to allow it. */
#include "server/fdo/module.h"
#include "server/rest/room.h"

#include "tessera/cbor/cbor.h"

enum { ARGS_MAX = 512, OUTPUT_MAX = 1024 * 1024 };

/* The arguments as an array in CBOR. errors TSR_E_ARGUMENT */
static tsr_err put_args(const tsr_json *step, tsr_buf *out)
{
    tsr_json list, item;
    tsr_json_walk walk;
    char text[FDO_NAME_MAX + 1];

    if (tsr_json_find(step, "args", &list) != TSR_OK) {
        tsr_cbor_put_array(out, 0);
        return out->err;
    }
    if (list.kind != TSR_JSON_ARRAY)
        return TSR_E_ARGUMENT;
    tsr_cbor_put_array(out, tsr_json_count(&list));
    for (walk = tsr_json_items(&list); tsr_json_next(&walk, NULL, &item);) {
        if (tsr_json_cstring(&item, text, sizeof text) != TSR_OK)
            return TSR_E_ARGUMENT;
        tsr_cbor_put_text(out, tsr_text(text));
    }
    return out->err;
}

static const char *check_command(const tsr_json *step)
{
    char name[FDO_NAME_MAX + 1];
    uint8_t room[ARGS_MAX];
    tsr_buf args = tsr_buf_over(room, sizeof room);

    if (!fdo_step_text(step, "command", name))
        return "fdo.command needs a `command` of 1 to 200 bytes";
    return put_args(step, &args) == TSR_OK
               ? NULL
               : "`args` is an array of texts, of 500 bytes together at most";
}

static fdo_say say_args(fdo_plan_run *p, tsr_buf *out)
{
    uint8_t room[ARGS_MAX];
    tsr_buf args = tsr_buf_over(room, sizeof room);

    if (put_args(&p->step, &args) != TSR_OK)
        out->err = TSR_E_ARGUMENT;
    fdo_say_bytes(out, "fdo.command", "args", tsr_buf_view(&args));
    return FDO_SAID;
}

static fdo_say say_command(fdo_plan_run *p, tsr_buf *out)
{
    static const uint8_t null = 0xf6;
    char text[FDO_NAME_MAX + 1] = "";
    bool may_fail = false, save = fdo_step_text(&p->step, "save", text);

    (void)tsr_json_find_bool(&p->step, "may_fail", &may_fail);
    switch (p->phase) {
    case 0: fdo_say_bool(out, "fdo.command", "active", true); break;
    case 1:
        (void)fdo_step_text(&p->step, "command", text);
        fdo_say_text(out, "fdo.command", "command", text);
        break;
    case 2: return say_args(p, out);
    case 3: fdo_say_bool(out, "fdo.command", "may_fail", may_fail); break;
    case 4: fdo_say_bool(out, "fdo.command", "return_stdout", save); break;
    case 5: fdo_say_bool(out, "fdo.command", "return_stderr", false); break;
    case 6: tsr_fdo_put_info(out, "fdo.command", "execute", tsr_view(&null, 1)); break;
    default: return FDO_WAITS;
    }
    return FDO_SAID;
}

static const char *take_output(fdo_plan_run *p, tsr_bytes value)
{
    tsr_bytes block;

    if (tsr_cbor_get_bytes(&value, &block) != TSR_OK &&
        tsr_cbor_get_text(&value, &block) != TSR_OK)
        return "fdo.command:stdout is no string";
    if (block.len > OUTPUT_MAX - p->data.len)
        return "a command says more than 1 MiB";
    rest_room(&p->data, block.len + 1);
    tsr_put_bytes(&p->data, block);
    return p->data.err == TSR_OK ? NULL : "out of memory for what a command says";
}

static const char *take_exit(tsr_fdo *f, fdo_plan_run *p, tsr_bytes value)
{
    char name[FDO_NAME_MAX + 1];
    bool may_fail = false;
    int64_t code;

    if (tsr_cbor_get_int(&value, &code) != TSR_OK)
        return "fdo.command:exitcode is no number";
    (void)tsr_json_find_bool(&p->step, "may_fail", &may_fail);
    fdo_log(f, code != 0 && !may_fail, "fdo: device %s: a command ended with %lld", p->guid,
            (long long)code);
    if (code != 0 && !may_fail)
        return "a command of the plan failed";
    if (fdo_step_text(&p->step, "save", name) &&
        fdo_keep_result(f, p, name, tsr_buf_view(&p->data)) != TSR_OK)
        return "what a command said could not be stored";
    fdo_step_over(p);
    return NULL;
}

static const char *take_command(tsr_fdo *f, fdo_plan_run *p, tsr_bytes message, tsr_bytes value)
{
    if (tsr_same(message, tsr_text("stdout")))
        return take_output(p, value);
    return tsr_same(message, tsr_text("exitcode")) ? take_exit(f, p, value) : NULL;
}

const fdo_module fdo_command = { "fdo.command", check_command, say_command, take_command };
