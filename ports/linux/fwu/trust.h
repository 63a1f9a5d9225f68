/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose word counts: files and directories that decide what is started. */
#ifndef PORTS_LINUX_FWU_TRUST_H
#define PORTS_LINUX_FWU_TRUST_H

/** Whether nobody but root and this process's own user could have written what `fd` is open on.
 *
 *  units   type: S_IFREG or S_IFDIR, which it has to be
 *  returns NULL: so it is; else a sentence with the cause and the remedy */
const char *tsr_untrusted(int fd, unsigned type);

#endif
