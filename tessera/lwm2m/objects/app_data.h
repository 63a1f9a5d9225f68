/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 19, BinaryAppDataContainer 1.0: bytes that an application on the device and one behind a
 * server exchange. Servers create, write and delete instances; the host may fill them too, and have
 * some of its own. */
#ifndef TESSERA_LWM2M_OBJECTS_APP_DATA_H
#define TESSERA_LWM2M_OBJECTS_APP_DATA_H

#include "tessera/lwm2m/model/object.h"

enum {
    TSR_LWM2M_APP_PARTS = 4,      /* resource instances of Data: 0 to 3 */
    TSR_LWM2M_APP_PART_LEN = 512, /* bytes of one */
    TSR_LWM2M_APP_TEXT = 32,      /* bytes of Data Description and Data Format */
};

typedef struct {
    uint16_t id;
    bool used;
    uint8_t there;   /* a bit per part */
    uint8_t changed; /* a bit per part that a server set or removed; the host clears it */
    uint8_t set;     /* a bit per resource 1 to 5 */
    uint8_t priority;
    uint8_t description_len, format_len;
    uint16_t app;
    uint32_t mark; /* not 0: the host's own, which servers cannot delete; saved, for the host to know it by */
    uint16_t len[TSR_LWM2M_APP_PARTS];
    int64_t created_s; /* since 1970 */
    uint8_t description[TSR_LWM2M_APP_TEXT], format[TSR_LWM2M_APP_TEXT];
    uint8_t data[TSR_LWM2M_APP_PARTS][TSR_LWM2M_APP_PART_LEN];
} tsr_lwm2m_app_data;

typedef struct {
    tsr_lwm2m_app_data *items; /* placed by the caller, zeroed; in no order */
    size_t count;
} tsr_lwm2m_app_datas;

/** An empty container of that number for the host, or NULL: it is there, or there is no room. */
tsr_lwm2m_app_data *tsr_lwm2m_app_data_add(const tsr_lwm2m_app_datas *containers, uint16_t id);

/** That of the number, or NULL. */
tsr_lwm2m_app_data *tsr_lwm2m_app_data_find(const tsr_lwm2m_app_datas *containers, uint16_t id);

tsr_lwm2m_object tsr_lwm2m_app_data_object(tsr_lwm2m_app_datas *containers);

#endif
