/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/ini/ini.h"

#include <ctype.h>

tsr_err tsr_ini_say(const tsr_ini *ini, unsigned line, const char *format, va_list args)
{
    int n = snprintf(ini->error, ini->error_len, "%s:%u: ", ini->path, line);

    if (n >= 0 && (size_t)n < ini->error_len)
        /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
        (void)vsnprintf(ini->error + n, ini->error_len - (size_t)n, format, args);
    return TSR_E_MALFORMED;
}

static tsr_err fail(const tsr_ini *ini, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static tsr_err fail(const tsr_ini *ini, const char *format, ...)
{
    va_list args;
    tsr_err err;

    va_start(args, format);
    err = tsr_ini_say(ini, ini->line, format, args);
    va_end(args);
    return err;
}

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

static tsr_err any_line(tsr_ini *ini, char *line)
{
    char *equals;
    size_t len;

    line = trim(line);
    len = strlen(line);
    if (len == 0 || line[0] == '#' || line[0] == ';')
        return TSR_OK;
    if (line[0] == '[') {
        if (line[len - 1] != ']')
            return fail(ini, "a section without its closing bracket; end the line with ]");
        line[len - 1] = '\0';
        return ini->section(ini->user, trim(line + 1));
    }
    equals = strchr(line, '=');
    if (equals == NULL)
        return fail(ini, "neither a section nor a key; write [section] or key = value");
    *equals = '\0';
    return ini->key(ini->user, trim(line), trim(equals + 1));
}

tsr_err tsr_ini_read(tsr_ini *ini, FILE *file)
{
    char line[TSR_INI_LINE + 2];
    tsr_err err = TSR_OK;

    ini->line = 0;
    while (err == TSR_OK && fgets(line, sizeof line, file) != NULL) {
        ini->line++;
        if (strchr(line, '\n') == NULL && !feof(file))
            return fail(ini, "a line longer than %d bytes; shorten it", TSR_INI_LINE);
        err = any_line(ini, line);
    }
    return err;
}
