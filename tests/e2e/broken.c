/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware that is broken in the way that the build says: what a new version must not brick a
 * device with. BROKEN_CRASHES ends at once by a fault, BROKEN_HANGS never does anything, not even
 * end when it is told to. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
    (void)fprintf(stderr, "broken firmware pid=%d\n", (int)getpid());
#ifdef BROKEN_CRASHES
    abort();
#else
    (void)signal(SIGTERM, SIG_IGN);
    for (;;)
        (void)pause();
#endif
}
