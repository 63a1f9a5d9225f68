/* SPDX-License-Identifier: Apache-2.0
 *
 * Object 20, Event Log 2.1: lines about what happened, for the operator. Each instance has a class
 * and collects, while it runs, the lines of that class in memory of fixed size, whose oldest lines
 * make room for new ones. Servers create further instances and delete them. */
#ifndef TESSERA_LWM2M_OBJECTS_EVENT_LOG_H
#define TESSERA_LWM2M_OBJECTS_EVENT_LOG_H

#include "tessera/lwm2m/model/object.h"

/** What LogClass may be, beside 100 to 255 of a maker's own. */
typedef enum {
    TSR_LWM2M_LOG_GENERIC, /* an instance: takes lines of every class */
    TSR_LWM2M_LOG_SYSTEM,
    TSR_LWM2M_LOG_SECURITY,
    TSR_LWM2M_LOG_EVENT,
    TSR_LWM2M_LOG_TRACE,
    TSR_LWM2M_LOG_PANIC,
    TSR_LWM2M_LOG_CHARGING,
} tsr_lwm2m_log_class;

/** One instance. The caller gives each its memory, once; the rest is zero, or says what there is
 *  before a server changes it. */
typedef struct {
    uint16_t id;
    bool used, running;
    uint8_t log_class;
    uint8_t *data;
    size_t cap;
    /* private */
    bool failed, changed;
    uint64_t end_s; /* 0: runs until LogStop */
    size_t len;
} tsr_lwm2m_log;

typedef struct {
    tsr_lwm2m_log *items;
    size_t count;
    uint64_t now_s; /* monotonic; from the host, before every use */
} tsr_lwm2m_logs;

/** A line, without its end, for all instances that run and take its class. One that is longer than
 *  an instance's memory is cut. */
void tsr_lwm2m_logs_add(tsr_lwm2m_logs *logs, uint8_t log_class, tsr_bytes line);

/** Lines of this class were lost on their way: LogStatus says so until the next LogStart. */
void tsr_lwm2m_logs_lost(tsr_lwm2m_logs *logs, uint8_t log_class);

/** Ends collections whose time is over, and gives an instance that has another content or status
 *  than at the last call; false: none (any more). */
bool tsr_lwm2m_logs_changed(tsr_lwm2m_logs *logs, uint16_t *instance);

/** LogStart takes 0='1' (go on after what is there; 0='0' or nothing begins anew) and 1='SECONDS'
 *  (end by itself after so long). LogStop takes 0='1' (drop what is there). LogDataFormat is 0: the
 *  bytes of LogData are lines of text. LogDataIncremental is not there. */
tsr_lwm2m_object tsr_lwm2m_event_log_object(tsr_lwm2m_logs *logs);

#endif
