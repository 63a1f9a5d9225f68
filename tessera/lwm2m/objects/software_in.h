/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of object 9 share: what its resources set off. */
#ifndef TESSERA_LWM2M_OBJECTS_SOFTWARE_IN_H
#define TESSERA_LWM2M_OBJECTS_SOFTWARE_IN_H

#include "tessera/lwm2m/model/slots.h"
#include "tessera/lwm2m/objects/software.h"

tsr_lwm2m_slots tsr_lwm2m_software_slots(const tsr_lwm2m_softwares *all);

/** A URI was written: STARTED, or, when it cannot be had, INITIAL with a result. */
void tsr_lwm2m_software_fetch(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s, bool can);

/** INITIAL; a package that is not installed goes. */
void tsr_lwm2m_software_cancel(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s);

/** errors  TSR_E_DENIED  not in this state; activate: what the backend said */
tsr_err tsr_lwm2m_software_install(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s);
tsr_err tsr_lwm2m_software_activate(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s);
tsr_err tsr_lwm2m_software_deactivate(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s);
tsr_err tsr_lwm2m_software_remove(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s);
tsr_err tsr_lwm2m_software_make_way(const tsr_lwm2m_softwares *all, tsr_lwm2m_software *s);

#endif
