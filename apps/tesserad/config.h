/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration file: sections with `key = value` lines, # and ; begin comments. It holds no
 * secret: keys are named by their PSA key id. docs: apps/tesserad/tesserad.conf. */
#ifndef APPS_TESSERAD_CONFIG_H
#define APPS_TESSERAD_CONFIG_H

#include "ports/linux/host/log.h"
#include "tessera/lwm2m/objects/access.h"
#include "tessera/lwm2m/objects/security.h"
#include "tessera/lwm2m/objects/server.h"

enum {
    CONFIG_SERVERS = 8,
    CONFIG_ACCOUNTS = CONFIG_SERVERS + 1, /* the last is the bootstrap server's */
    CONFIG_BOOTSTRAP = 65535, /* stands for its Short Server ID, which it has not */
    CONFIG_LIGHTS = 8,
    CONFIG_CONTAINERS = 4, /* instances of object 19 with a folder */
    CONFIG_SENDS = 16,
    CONFIG_SOFTWARE = 4, /* pieces of software beside the firmware */
    CONFIG_COMMANDS = 16, /* that an owner may run while it onboards */
    CONFIG_TEXT = 128,
    CONFIG_PATH = 256,
    CONFIG_NONE = 65536, /* more than any such number may be */
};

typedef enum { REBOOT_RESTART, REBOOT_SYSTEM, REBOOT_NONE } config_reboot;

/** Bytes: "0x" and hexadecimal digits in the file, or the text itself. */
typedef struct {
    uint8_t len, bytes[64];
} config_bytes;

typedef struct {
    uint16_t short_id;
    unsigned line;
    char uri[CONFIG_PATH];
    uint32_t mode; /* tsr_lwm2m_security_mode */
    char identity[TSR_LWM2M_IDENTITY_MAX + 1];
    uint32_t key; /* PSA key id */
    char certificate[CONFIG_PATH], server_certificate[CONFIG_PATH];
    uint32_t certificate_usage;
    char server_name[64];
    char suite_text[CONFIG_TEXT]; /* "0xc0a8 0x00a8"; empty: that of the mode */
    uint16_t suites[TSR_LWM2M_SUITES];
    uint32_t oscore_key; /* PSA key id of the Master Secret; 0: no OSCORE */
    config_bytes oscore_sender, oscore_recipient, oscore_salt, oscore_context;
    uint32_t oscore_aead; /* COSE number */
    char access[8]; /* "RWEDC", some of these, or "none" */
    uint8_t rights; /* the same, as TSR_LWM2M_MAY_*: on what the device has from the start */
    uint32_t owner; /* it manages these rights */
    uint32_t hold_off_s, account_timeout_s, pack; /* of the bootstrap server */
    uint32_t set; /* which of number[] the file gives */
    uint32_t number[TSR_LWM2M_SERVER_RESOURCES];
} config_server;

typedef struct {
    uint16_t id;
    char led[CONFIG_PATH], file[CONFIG_PATH];
} config_light;

/** An instance of object 19 whose data lies in a folder. */
typedef struct {
    uint16_t id;
    unsigned line;
    char directory[CONFIG_PATH];
    char description[33], format[33];
    uint32_t priority, app; /* CONFIG_NONE: not told */
    uint32_t software;      /* the instance of object 9 that may reach it; CONFIG_NONE: none */
    char user[32], group[32];
} config_container;

/** What is sent without being asked for. */
typedef struct {
    char text[CONFIG_PATH]; /* "/3/0/9 /3303/0/5700" */
    tsr_lwm2m_path paths[CONFIG_SENDS];
    size_t path_count;
    uint32_t every_s;
    uint32_t non;  /* 0: CON */
    uint32_t full; /* 0: the oldest values go; 1: new ones are refused */
} config_send;

/** Software beside the firmware; no directory: none. */
typedef struct {
    char directory[CONFIG_PATH], anchor[CONFIG_PATH];
    char vendor[48], class_id[48]; /* UUIDs */
    char user[32];                 /* who it runs as; empty: as we do */
    uint32_t instances;            /* that are there without a server's Create */
    uint32_t size;                 /* bytes of a package */
    uint32_t memory_mb, data_mb;
    uint32_t network;
} config_software;

/** FIDO Device Onboard; not there without its section. */
typedef struct {
    bool present;
    char manufacturer[CONFIG_PATH]; /* URL of its service; empty: the device is initialised already */
    char trust[CONFIG_PATH];        /* CA certificates of the services over https; empty: anybody */
    char info[64];                  /* DeviceInfo; empty: the model */
    uint32_t bits;                  /* of the attestation key */
    uint32_t reuse;                 /* an owner may leave the credential as it is */
    uint32_t answer_s, retry_s;     /* an answer is awaited; a manufacturer is asked again, first */
    char root[CONFIG_PATH];         /* of the modules that know files; empty: none of them */
    uint32_t file_size;             /* bytes */
    uint32_t wget, wget_s;
    char commands_text[512]; /* "date=/bin/date id=/usr/bin/id" */
    struct {
        const char *name, *program; /* in commands_room */
    } commands[CONFIG_COMMANDS];
    size_t command_count;
    char commands_room[512];
    uint32_t command_s, command_output;
} config_fdo;

typedef struct {
    bool set;
    double value;
} config_decimal;

typedef struct {
    char endpoint[CONFIG_TEXT];
    char state[CONFIG_PATH];
    char manufacturer[64], model[64], serial[64], firmware[64], hardware[64], type[64];
    char trust[CONFIG_PATH]; /* the CA certificate that usages ca and service go by; empty: none */
    char root[TSR_LWM2M_ROOT_MAX + 1]; /* alternate path of the objects; empty: none */
    char sms[16]; /* MSISDN; empty: none */
    char profile[80]; /* told in the place of the object list; "auto": made from it; empty: none */
    char profile_covers[CONFIG_PATH]; /* "</1/0>,</3/0>": what it stands for; empty: all */
    char self_test[CONFIG_PATH]; /* run before a new version is accepted; empty: none */
    char interface[16];
    char secured[108];
    uint32_t reboot;       /* config_reboot */
    uint32_t deregister;   /* on SIGTERM */
    uint32_t refresh_s;
    uint32_t version;      /* highest 1.x to offer */
    uint32_t queue;        /* queue mode: deaf but for awake_s after each message */
    uint32_t awake_s;
    uint32_t history;      /* bytes for what observations with hqmax keep while a server is away */
    uint32_t log_level;
    uint32_t ack_timeout_ms, max_retransmit, block_size;
    uint32_t push_wait_s;  /* the longest pause between two blocks of a pushed package */
    uint32_t pull_tries;   /* failures in a row before a download is given up */
    char update_trust[CONFIG_PATH]; /* CA certificates of web servers that have packages; empty: the system's */
    uint32_t handshake_ms; /* first retransmission of DTLS */
    config_server servers[CONFIG_SERVERS];
    size_t server_count;
    config_server bootstrap;
    bool has_bootstrap;
    config_light lights[CONFIG_LIGHTS];
    size_t light_count;
    config_container containers[CONFIG_CONTAINERS];
    size_t container_count;
    config_send send;
    config_software software;
    config_fdo fdo;
    uint32_t kernel_log;   /* object 20 has the kernel's log, too */
    config_decimal latitude, longitude, altitude, radius;
    char location_file[CONFIG_PATH];
    int64_t written_unix_s; /* of the file: when a fixed location was measured, as far as we know */
} config;

/** Reads and checks the whole file.
 *
 *  error   on failure: "FILE:LINE: cause; remedy", zero-terminated
 *  errors  TSR_E_NOT_FOUND  the file cannot be read; TSR_E_MALFORMED  anything else */
tsr_err config_load(const char *path, config *c, char *error, size_t error_len);

/** Checks [fdo] and takes its lists apart; the section was read.
 *  returns NULL, or "cause; remedy" */
const char *config_check_fdo(config_fdo *f);

/** Adds a server, or with CONFIG_BOOTSTRAP the bootstrap server, with all defaults.
 *  returns NULL: there is one of that number, or no room */
config_server *config_add(config *c, uint32_t short_id);

/** The server section of that Short Server ID, or that of CONFIG_BOOTSTRAP; NULL: none. */
const config_server *config_find(const config *c, uint32_t short_id);

#endif
