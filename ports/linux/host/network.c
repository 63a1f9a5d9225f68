/* SPDX-License-Identifier: Apache-2.0
 *
 * Links, addresses, routers and counters. */
#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ports/linux/host/data.h"
#include "ports/linux/host/system.h"

enum { ARPHRD_ETHERNET = 1 };

static FILE *open_below(const char *root, const char *path)
{
    char whole[PATH_MAX];

    (void)snprintf(whole, sizeof whole, "%s%s", root, path);
    return fopen(whole, "re");
}

static void router_add(tsr_lwm2m_monitoring *m, int family, const void *address)
{
    char text[INET6_ADDRSTRLEN];

    if (m->router_count == TSR_LWM2M_ADDRESSES || inet_ntop(family, address, text, sizeof text) == NULL)
        return;
    for (uint8_t i = 0; i < m->router_count; i++) {
        if (strcmp(m->routers[i], text) == 0)
            return;
    }
    (void)snprintf(m->routers[m->router_count++], TSR_LWM2M_ADDRESS_LEN, "%s", text);
}

/* The words of a line, and words as numbers. */
static char *word(char **line)
{
    return strtok_r(NULL, " \t\n", line);
}

static bool number(const char *text, int base, unsigned long long *v)
{
    char *end;

    if (text == NULL)
        return false;
    *v = strtoull(text, &end, base);
    return end != text && *end == '\0';
}

static void copy_name(char to[IFNAMSIZ], const char *from)
{
    (void)snprintf(to, IFNAMSIZ, "%.15s", from);
}

/* /proc/net/route: numbers in hex, in the byte order of the host. The first default route names
 * the interface in use. */
static void routes_v4(const char *root, tsr_lwm2m_monitoring *m, char *interface)
{
    FILE *f = open_below(root, "/proc/net/route");
    char line[256];
    unsigned long long target, gateway;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        char *rest, *name = strtok_r(line, " \t\n", &rest);

        if (name == NULL || !number(word(&rest), 16, &target) || target != 0 ||
            !number(word(&rest), 16, &gateway))
            continue;
        if (interface[0] == '\0')
            copy_name(interface, name);
        if (gateway != 0)
            router_add(m, AF_INET, &(struct in_addr){ (in_addr_t)gateway });
    }
    if (f != NULL)
        (void)fclose(f);
}

static bool hex16(const char *text, uint8_t out[16])
{
    unsigned long long v;

    if (text == NULL || strlen(text) != 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };

        if (!number(pair, 16, &v))
            return false;
        out[i] = (uint8_t)v;
    }
    return true;
}

/* /proc/net/ipv6_route: destination, length, source, length, next hop, four numbers, interface. */
static bool default_v6(char *line, uint8_t hop[16], const char **name)
{
    char *rest, *target = strtok_r(line, " \t\n", &rest);
    unsigned long long len;

    if (target == NULL || !number(word(&rest), 16, &len) || len != 0)
        return false;
    (void)word(&rest);
    (void)word(&rest);
    if (!hex16(word(&rest), hop))
        return false;
    for (int i = 0; i < 5; i++)
        *name = word(&rest);
    return *name != NULL && strcmp(*name, "lo") != 0;
}

static void routes_v6(const char *root, tsr_lwm2m_monitoring *m, char *interface)
{
    static const uint8_t none[16];
    FILE *f = open_below(root, "/proc/net/ipv6_route");
    char line[256];
    const char *name;
    uint8_t hop[16];

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (!default_v6(line, hop, &name))
            continue;
        if (interface[0] == '\0')
            copy_name(interface, name);
        if (memcmp(hop, none, sizeof none) != 0)
            router_add(m, AF_INET6, hop);
    }
    if (f != NULL)
        (void)fclose(f);
}

static bool link_has(const char *root, const char *name, const char *what)
{
    char path[PATH_MAX];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/sys/class/net/%.15s/%s", root, name, what);
    return stat(path, &st) == 0;
}

/* 0: nothing that object 4 has a number for. */
static uint8_t bearer_of(const char *root, const char *name)
{
    char path[128];
    int64_t type;

    if (link_has(root, name, "wireless") || link_has(root, name, "phy80211"))
        return TSR_LWM2M_BEARER_WLAN;
    (void)snprintf(path, sizeof path, "/sys/class/net/%.15s/type", name);
    if (tsr_host_read_number(root, path, &type) == TSR_OK && type == ARPHRD_ETHERNET)
        return TSR_LWM2M_BEARER_ETHERNET;
    return 0;
}

static void bearer_add(tsr_lwm2m_monitoring *m, uint8_t bearer)
{
    for (uint8_t i = 0; i < m->bearer_count; i++) {
        if (m->bearers[i] == bearer)
            return;
    }
    if (bearer != 0 && m->bearer_count < TSR_LWM2M_BEARERS)
        m->bearers[m->bearer_count++] = bearer;
}

static void bearers(const char *root, const char *interface, tsr_lwm2m_monitoring *m)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *dir;

    m->bearer = interface[0] != '\0' ? bearer_of(root, interface) : 0;
    bearer_add(m, m->bearer);
    (void)snprintf(path, sizeof path, "%s/sys/class/net", root);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "lo") != 0)
            bearer_add(m, bearer_of(root, entry->d_name));
    }
    if (dir != NULL)
        (void)closedir(dir);
}

/* /proc/net/wireless: "wlan0: 0000   55.  -55.  -256 ..." quality, level in dBm. */
static void signal_of(const char *root, const char *interface, tsr_lwm2m_monitoring *m)
{
    FILE *f = open_below(root, "/proc/net/wireless");
    char line[256];

    m->signal_dbm = 0;
    m->link_quality = -1;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        char *rest, *name = strtok_r(line, ": \t", &rest), *quality, *level;

        if (name == NULL || strcmp(name, interface) != 0)
            continue;
        (void)strtok_r(NULL, ": \t", &rest);
        quality = word(&rest);
        level = word(&rest);
        if (quality == NULL || level == NULL)
            continue;
        m->link_quality = (int32_t)strtol(quality, NULL, 10);
        m->signal_dbm = (int32_t)strtol(level, NULL, 10);
    }
    if (f != NULL)
        (void)fclose(f);
}

static void addresses(tsr_lwm2m_monitoring *m)
{
    struct ifaddrs *list, *a;

    m->address_count = 0;
    if (getifaddrs(&list) != 0)
        return;
    for (int loopback = 0; loopback < 2 && m->address_count == 0; loopback++) {
        for (a = list; a != NULL && m->address_count < TSR_LWM2M_ADDRESSES; a = a->ifa_next) {
            char *text = m->addresses[m->address_count];
            const void *at = NULL;

            if (a->ifa_addr == NULL || !(a->ifa_flags & IFF_UP) ||
                ((a->ifa_flags & IFF_LOOPBACK) != 0) != (loopback == 1))
                continue;
            if (a->ifa_addr->sa_family == AF_INET)
                at = &((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr;
            else if (a->ifa_addr->sa_family == AF_INET6)
                at = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr;
            if (at != NULL && inet_ntop(a->ifa_addr->sa_family, at, text, TSR_LWM2M_ADDRESS_LEN) != NULL)
                m->address_count++;
        }
    }
    freeifaddrs(list);
}

/* One line of /proc/net/dev: "eth0: rx_bytes rx_packets ... (8 fields) tx_bytes tx_packets ..." */
static bool dev_line(char *line, const char **name, tsr_lwm2m_traffic *t)
{
    unsigned long long v[10];
    char *colon = strchr(line, ':'), *rest;

    if (colon == NULL)
        return false;
    *colon = ' ';
    *name = strtok_r(line, " \t", &rest);
    for (size_t i = 0; i < 10; i++) {
        if (*name == NULL || !number(word(&rest), 10, &v[i]))
            return false;
    }
    *t = (tsr_lwm2m_traffic){ v[8], v[0], v[1] + v[9] };
    return true;
}

tsr_err tsr_host_traffic(const char *root, tsr_lwm2m_traffic *traffic)
{
    FILE *f = open_below(root, "/proc/net/dev");
    tsr_lwm2m_traffic sum = { 0 }, loopback = { 0 }, t;
    char line[512];
    const char *name;
    bool any = false, others = false;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (!dev_line(line, &name, &t))
            continue;
        any = true;
        if (strcmp(name, "lo") == 0) {
            loopback = t;
            continue;
        }
        others = true;
        sum.tx_bytes += t.tx_bytes;
        sum.rx_bytes += t.rx_bytes;
        sum.packets += t.packets;
    }
    if (f != NULL)
        (void)fclose(f);
    if (!any)
        return TSR_E_NOT_FOUND;
    *traffic = others ? sum : loopback;
    return TSR_OK;
}

static bool interface_bytes(const char *root, const char *interface, uint64_t *bytes)
{
    FILE *f = open_below(root, "/proc/net/dev");
    tsr_lwm2m_traffic t;
    char line[512];
    const char *name;
    bool found = false;

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (dev_line(line, &name, &t) && strcmp(name, interface) == 0) {
            *bytes = t.tx_bytes + t.rx_bytes;
            found = true;
        }
    }
    if (f != NULL)
        (void)fclose(f);
    return found;
}

/* Both directions of the link in use, against its speed; a link that does not say its speed has no
 * utilisation. */
static void utilization(const char *root, const char *interface, uint64_t now_ms,
                        tsr_host_counters *before, tsr_lwm2m_monitoring *m)
{
    char path[128];
    int64_t mbit_s;
    uint64_t bytes;

    m->utilization_percent = -1;
    (void)snprintf(path, sizeof path, "/sys/class/net/%.15s/speed", interface);
    if (tsr_host_read_number(root, path, &mbit_s) != TSR_OK || mbit_s <= 0 ||
        !interface_bytes(root, interface, &bytes)) {
        before->known = false;
        return;
    }
    if (before->known && now_ms > before->at_ms && bytes >= before->bytes) {
        uint64_t can = (uint64_t)mbit_s * 125 * (now_ms - before->at_ms) * 2; /* bytes, both ways */
        uint64_t percent = can != 0 ? (bytes - before->bytes) * 100 / can : 0;

        m->utilization_percent = percent > 100 ? 100 : (int32_t)percent;
    }
    *before = (tsr_host_counters){ bytes, now_ms, true };
}

void tsr_host_monitoring_refresh(const char *root, const char *interface, uint64_t now_ms,
                                 tsr_host_counters *before, tsr_lwm2m_monitoring *m)
{
    char name[IFNAMSIZ] = "";

    (void)snprintf(name, sizeof name, "%s", interface);
    m->router_count = 0;
    m->bearer_count = 0;
    routes_v4(root, m, name);
    routes_v6(root, m, name);
    bearers(root, name, m);
    signal_of(root, name, m);
    addresses(m);
    utilization(root, name, now_ms, before, m);
}
