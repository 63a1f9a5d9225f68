/* SPDX-License-Identifier: Apache-2.0
 *
 * The section [fdo] of the configuration. */
#include "apps/tesserad/config.h"

#include "tessera/http/url.h"

/* "name=/path name=/path", with blanks between; cut in place. */
static const char *read_commands(config_fdo *f)
{
    char *at = f->commands_room, *equals;

    memcpy(f->commands_room, f->commands_text, sizeof f->commands_room);
    f->command_count = 0;
    for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        bool last = at[len] == '\0';

        at[len] = '\0';
        equals = strchr(at, '=');
        if (equals == NULL || equals == at || equals[1] != '/')
            return "commands are NAME=/PATH, with blanks between; write for example date=/bin/date";
        if (f->command_count == CONFIG_COMMANDS)
            return "more than 16 commands; remove some";
        *equals = '\0';
        f->commands[f->command_count].name = at;
        f->commands[f->command_count++].program = equals + 1;
        at += last ? len : len + 1;
    }
    return NULL;
}

const char *config_check_fdo(config_fdo *f)
{
    tsr_http_url url;

    if (f->manufacturer[0] != '\0' &&
        tsr_http_url_parse(tsr_text(f->manufacturer), &url) != TSR_OK)
        return "manufacturer is no URL of HTTP; write http://HOST:PORT or https://HOST:PORT";
    if (f->root[0] != '\0' && f->root[0] != '/')
        return "root is no path from / on; write for example /var/lib/tessera/fdo";
    if (f->root[0] == '\0' && (f->wget == 1 || f->commands_text[0] != '\0'))
        return "wget and commands work in a folder; add root = DIRECTORY";
    return read_commands(f);
}
