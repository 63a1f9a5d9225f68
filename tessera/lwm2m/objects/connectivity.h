/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 4, Connectivity Monitoring 1.3, and object 7, Connectivity Statistics 1.0. The host fills
 * the states and keeps them fresh. */
#ifndef TESSERA_LWM2M_OBJECTS_CONNECTIVITY_H
#define TESSERA_LWM2M_OBJECTS_CONNECTIVITY_H

#include "tessera/lwm2m/model/object.h"

enum {
    TSR_LWM2M_BEARERS = 4,
    TSR_LWM2M_ADDRESSES = 8,
    TSR_LWM2M_ADDRESS_LEN = 46, /* an IPv6 address as text, with its end */
};

/** Network bearers of /4/0/0 that a Linux host can have. */
enum { TSR_LWM2M_BEARER_WLAN = 21, TSR_LWM2M_BEARER_ETHERNET = 41 };

typedef struct {
    uint8_t bearer, bearers[TSR_LWM2M_BEARERS], bearer_count;
    int32_t signal_dbm;   /* wired bearers have none and say 0, since the resource is mandatory */
    int32_t link_quality; /* below 0: not known */
    int32_t utilization_percent; /* below 0: not known */
    char addresses[TSR_LWM2M_ADDRESSES][TSR_LWM2M_ADDRESS_LEN];
    uint8_t address_count;
    char routers[TSR_LWM2M_ADDRESSES][TSR_LWM2M_ADDRESS_LEN];
    uint8_t router_count;
} tsr_lwm2m_monitoring;

tsr_lwm2m_object tsr_lwm2m_monitoring_object(tsr_lwm2m_monitoring *monitoring);

/** What the counters of the host's interfaces are now; they only grow. */
typedef struct {
    uint64_t tx_bytes, rx_bytes, packets;
} tsr_lwm2m_traffic;

/** Collects from Start to Stop, or for Collection Period seconds; the counters stay afterwards. */
typedef struct {
    tsr_lwm2m_traffic now;    /* from the host, before every use */
    uint64_t now_s;           /* monotonic, from the host */
    /* private */
    tsr_lwm2m_traffic from, to; /* `to` counts when not running */
    uint64_t start_s;
    uint32_t period_s;
    bool running;
} tsr_lwm2m_statistics;

/** New figures. True if a value that can be read has changed. */
bool tsr_lwm2m_statistics_measure(tsr_lwm2m_statistics *statistics, const tsr_lwm2m_traffic *now,
                                  uint64_t now_s);

/** As an Execute of Start does. */
void tsr_lwm2m_statistics_start(tsr_lwm2m_statistics *statistics);

tsr_lwm2m_object tsr_lwm2m_statistics_object(tsr_lwm2m_statistics *statistics);

#endif
