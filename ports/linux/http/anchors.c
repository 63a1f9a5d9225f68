/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/http/anchors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ports/linux/host/pem.h"

static const char end_line[] = "-----END CERTIFICATE-----";

void tsr_anchors_free(tsr_anchors *a)
{
    free(a->list);
    free(a->text);
    *a = (tsr_anchors){ .count = 0 };
}

static tsr_err read_all(int fd, uint8_t *text, size_t *len)
{
    ssize_t n = 1;

    *len = 0;
    while (n > 0 && *len < TSR_ANCHORS_BYTES) {
        n = read(fd, text + *len, TSR_ANCHORS_BYTES - *len);
        if (n < 0)
            return TSR_E_IO;
        *len += (size_t)n;
    }
    return n == 0 ? TSR_OK : TSR_E_SPACE;
}

/* One certificate is what stands up to and with its last line. */
static tsr_err split(tsr_anchors *a, size_t len)
{
    uint8_t *at = a->text, *end;

    if (len != 0 && at[0] == 0x30) { /* DER begins with a SEQUENCE */
        a->list[a->count++] = tsr_view(at, len);
        return TSR_OK;
    }
    while ((end = memmem(at, len, end_line, sizeof end_line - 1)) != NULL) {
        size_t whole = (size_t)(end - at) + sizeof end_line - 1;

        if (a->count == TSR_ANCHORS_MOST)
            return TSR_E_SPACE;
        if (tsr_host_pem(at, whole, "CERTIFICATE", &a->list[a->count]) == TSR_OK)
            a->count++;
        at += whole;
        len -= whole;
    }
    return a->count != 0 ? TSR_OK : TSR_E_MALFORMED;
}

tsr_err tsr_anchors_read(tsr_anchors *a, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len;
    tsr_err err;

    *a = (tsr_anchors){ .count = 0 };
    if (fd < 0)
        return TSR_E_IO;
    a->list = calloc(TSR_ANCHORS_MOST, sizeof *a->list);
    a->text = malloc(TSR_ANCHORS_BYTES);
    err = a->list != NULL && a->text != NULL ? read_all(fd, a->text, &len) : TSR_E_SPACE;
    (void)close(fd);
    if (err == TSR_OK)
        err = split(a, len);
    if (err != TSR_OK)
        tsr_anchors_free(a);
    return err;
}
