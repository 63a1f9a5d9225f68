/* SPDX-License-Identifier: Apache-2.0
 *
 * Configuration files: lines of `[section]` and `key = value`, and comments behind # or ;. */
#ifndef PORTS_LINUX_INI_H
#define PORTS_LINUX_INI_H

#include <stdarg.h>
#include <stdio.h>

#include "tessera/base/bytes.h"

enum { TSR_INI_LINE = 1022 }; /* bytes of the longest line */

/** Where a reader stands. The caller sets all but `line`. */
typedef struct {
    const char *path; /* for the messages */
    unsigned line;    /* from 1 */
    char *error;      /* what is wrong: "path:line: cause; remedy" */
    size_t error_len;
    /* Both may cut their texts, which have no blanks around them. An error ends the reading. */
    tsr_err (*section)(void *user, char *name);
    tsr_err (*key)(void *user, char *name, char *value);
    void *user;
} tsr_ini;

/** Reads the whole file.
 *
 *  errors  TSR_E_MALFORMED  a line is none of the three; ini->error says which and why
 *          what section and key return */
tsr_err tsr_ini_read(tsr_ini *ini, FILE *file);

/** Writes the message for a line into ini->error. Returns TSR_E_MALFORMED. */
tsr_err tsr_ini_say(const tsr_ini *ini, unsigned line, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
