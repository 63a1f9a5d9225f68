/* SPDX-License-Identifier: Apache-2.0
 *
 * lwm2m_format senml-cbor|senml-json|tlv|lwm2m-cbor write|read: 10,000 times the sixteen values of /3/0 that the
 * Core gives as its example, for callgrind (inclusive instructions of write_once or read_once, divided by 10,000).
 * Prints nothing; exit 1 on a wrong result. */
#include "tessera/lwm2m/format/format.h"

#define NOINLINE __attribute__((noinline))

enum { LOOPS = 10000, VALUES = 16 };

/* exported and called through volatile pointers, so that no compiler merges them into the loop */
tsr_err write_once(tsr_lwm2m_format format, tsr_buf *body);
unsigned read_once(tsr_lwm2m_format format, tsr_bytes body);

static tsr_err (*volatile write_it)(tsr_lwm2m_format, tsr_buf *) = write_once;
static unsigned (*volatile read_it)(tsr_lwm2m_format, tsr_bytes) = read_once;

static tsr_lwm2m_path at(uint16_t resource) { return tsr_lwm2m_at_resource(3, 0, resource); }

static tsr_lwm2m_path one(uint16_t resource, uint16_t instance)
{
    return tsr_lwm2m_at_resource_instance(3, 0, resource, instance);
}

NOINLINE tsr_err write_once(tsr_lwm2m_format format, tsr_buf *body)
{
    tsr_lwm2m_out out;

    tsr_lwm2m_out_begin(&out, format, tsr_lwm2m_at_instance(3, 0), body);
    tsr_lwm2m_put_text(&out, at(0), tsr_text("Open Mobile Alliance"));
    tsr_lwm2m_put_text(&out, at(1), tsr_text("Lightweight M2M Client"));
    tsr_lwm2m_put_text(&out, at(2), tsr_text("345000123"));
    tsr_lwm2m_put_text(&out, at(3), tsr_text("1.0"));
    tsr_lwm2m_put_int(&out, one(6, 0), 1);
    tsr_lwm2m_put_int(&out, one(6, 1), 5);
    tsr_lwm2m_put_int(&out, one(7, 0), 3800);
    tsr_lwm2m_put_int(&out, one(7, 1), 5000);
    tsr_lwm2m_put_int(&out, one(8, 0), 125);
    tsr_lwm2m_put_int(&out, one(8, 1), 900);
    tsr_lwm2m_put_int(&out, at(9), 100);
    tsr_lwm2m_put_int(&out, at(10), 15);
    tsr_lwm2m_put_int(&out, one(11, 0), 0);
    tsr_lwm2m_put_time(&out, at(13), 1367491215);
    tsr_lwm2m_put_text(&out, at(14), tsr_text("+02:00"));
    tsr_lwm2m_put_text(&out, at(16), tsr_text("U"));
    return tsr_lwm2m_out_end(&out);
}

NOINLINE unsigned read_once(tsr_lwm2m_format format, tsr_bytes body)
{
    tsr_lwm2m_in in;
    tsr_lwm2m_path path;
    tsr_lwm2m_value value;
    unsigned n = 0;

    tsr_lwm2m_in_begin(&in, format, tsr_lwm2m_at_instance(3, 0), body, NULL);
    while (tsr_lwm2m_in_next(&in, &path, &value) == TSR_OK)
        n++;
    return n;
}

static bool format_named(const char *name, tsr_lwm2m_format *format)
{
    static const uint32_t numbers[] = { 110, 112, 11542, 11544 };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (tsr_lwm2m_format_from(numbers[i], format) == TSR_OK
            && strcmp(tsr_lwm2m_format_name(*format), name) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    static uint8_t room[1024];
    tsr_buf body = tsr_buf_over(room, sizeof room);
    tsr_lwm2m_format format;

    if (argc != 3 || !format_named(argv[1], &format))
        return 2;
    if (write_once(format, &body) != TSR_OK)
        return 1;
    for (unsigned i = 0; i < LOOPS; i++) {
        tsr_buf again = tsr_buf_over(room, sizeof room);

        if (argv[2][0] == 'w' ? write_it(format, &again) != TSR_OK
                              : read_it(format, tsr_buf_view(&body)) != VALUES)
            return 1;
    }
    return 0;
}
