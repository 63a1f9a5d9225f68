/* SPDX-License-Identifier: Apache-2.0
 *
 * The Profile ID as the configuration has it. */
#ifndef APPS_TESSERAD_PROFILE_H
#define APPS_TESSERAD_PROFILE_H

#include "apps/tesserad/config.h"
#include "tessera/lwm2m/client/profile.h"

/** Fills *profile from the configuration, whose texts it goes on to use; NULL: there is none. */
const tsr_lwm2m_profile *profile_of(const config *c, tsr_lwm2m_profile *profile);

#endif
