/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "ports/linux/fwu/trust.h"

#include <sys/stat.h>
#include <unistd.h>

const char *tsr_untrusted(int fd, unsigned type)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || (st.st_mode & S_IFMT) != type)
        return type == S_IFDIR ? "it is no directory; make one there"
                               : "it is no plain file; put a file there";
    if ((st.st_mode & 022) != 0)
        return "others may write to it; chmod go-w, and check what is in it";
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return "it belongs to another user; chown it to root or to the service's user";
    return NULL;
}
