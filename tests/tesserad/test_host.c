/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's figures, read from a made-up host in a directory, and the state files. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ports/linux/host/data.h"
#include "ports/linux/host/file.h"
#include "ports/linux/host/state.h"
#include "ports/linux/host/kernel_log.h"
#include "ports/linux/host/log.h"
#include "ports/linux/host/pem.h"
#include "ports/linux/host/system.h"
#include "ports/linux/host/udp.h"

static char root[64];

/* Writes root/path with the directories before it. */
static void put(const char *path, const char *text)
{
    char whole[256];
    FILE *f;

    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(whole, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    f = fopen(whole, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void clear(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0);
    assert_int_equal(mkdir(root, 0700), 0);
}

static void test_device_comes_from_dmi_and_os(void **state)
{
    tsr_lwm2m_device d;

    (void)state;
    clear();
    put("/sys/class/dmi/id/sys_vendor", "To be filled by O.E.M.\n");
    put("/sys/class/dmi/id/board_vendor", "ACME\n");
    put("/sys/class/dmi/id/product_name", "Gateway 5\n");
    put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    put("/etc/os-release", "NAME=\"X\"\nPRETTY_NAME=\"X Linux 4\"\nVERSION_ID=\"4.2\"\n");
    put("/etc/timezone", "Europe/Vienna\n");
    put("/proc/meminfo", "MemTotal:        1000 kB\nMemFree: 1 kB\nMemAvailable:     250 kB\n");
    tsr_lwm2m_device_init(&d);
    tsr_host_device_identify(root, &d);
    assert_string_equal(d.manufacturer, "ACME");
    assert_string_equal(d.model, "Gateway 5");
    assert_string_equal(d.serial, "0123456789abcdef0123456789abcdef");
    assert_string_equal(d.firmware, "4.2");
    assert_string_equal(d.type, "X Linux 4");
    assert_string_equal(d.host_timezone, "Europe/Vienna");
    assert_int_equal(d.memory_total_kb, 1000);
    assert_int_equal(d.memory_free_kb, 250);
    assert_int_equal(d.power_count, 0);
    assert_int_equal(d.battery_percent, -1);
    assert_true(d.host_unix_s > 1700000000);
}

static void test_device_keeps_what_the_configuration_says(void **state)
{
    tsr_lwm2m_device d;

    (void)state;
    clear();
    put("/sys/class/dmi/id/sys_vendor", "ACME\n");
    tsr_lwm2m_device_init(&d);
    strcpy(d.manufacturer, "Mine");
    tsr_host_device_identify(root, &d);
    assert_string_equal(d.manufacturer, "Mine");
    assert_string_equal(d.model, "");
    assert_int_equal(d.memory_total_kb, -1);
}

static void test_device_finds_power_sources(void **state)
{
    tsr_lwm2m_device d;

    (void)state;
    clear();
    put("/sys/class/power_supply/BAT0/type", "Battery\n");
    put("/sys/class/power_supply/BAT0/present", "1\n");
    put("/sys/class/power_supply/BAT0/voltage_now", "12345678\n");
    put("/sys/class/power_supply/BAT0/current_now", "-1500000\n");
    put("/sys/class/power_supply/BAT0/capacity", "12\n");
    put("/sys/class/power_supply/BAT0/status", "Discharging\n");
    put("/sys/class/power_supply/AC/type", "Mains\n");
    put("/sys/class/power_supply/AC/online", "0\n");
    tsr_lwm2m_device_init(&d);
    tsr_host_device_refresh(root, &d);
    assert_int_equal(d.power_count, 1);
    assert_int_equal(d.power[0].kind, 1);
    assert_int_equal(d.power[0].voltage_mv, 12345);
    assert_int_equal(d.power[0].current_ma, -1500);
    assert_int_equal(d.battery_percent, 12);
    assert_int_equal(d.battery_status, 4);
}

static void test_monitoring_reads_bearer_routes_and_load(void **state)
{
    tsr_lwm2m_monitoring m = { 0 };
    tsr_host_counters before = { 0 };

    (void)state;
    clear();
    put("/proc/net/route", "Iface\tDestination\tGateway \tFlags\n"
                           "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\n"
                           "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n");
    put("/proc/net/ipv6_route",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n");
    put("/sys/class/net/eth0/type", "1\n");
    put("/sys/class/net/eth0/speed", "100\n");
    put("/sys/class/net/wlan0/wireless/x", "");
    put("/sys/class/net/lo/type", "772\n");
    put("/proc/net/dev", "Inter-| Receive\n face |bytes\n"
                         "  eth0: 1000000 10 0 0 0 0 0 0 1000000 10 0 0 0 0 0 0\n");
    tsr_host_monitoring_refresh(root, "", 1000, &before, &m);
    assert_int_equal(m.bearer, TSR_LWM2M_BEARER_ETHERNET);
    assert_int_equal(m.bearer_count, 2);
    assert_int_equal(m.router_count, 2);
    assert_string_equal(m.routers[0], "192.0.2.1");
    assert_string_equal(m.routers[1], "fe80::1");
    assert_int_equal(m.utilization_percent, -1);
    put("/proc/net/dev", "  eth0: 7250000 10 0 0 0 0 0 0 7250000 10 0 0 0 0 0 0\n");
    tsr_host_monitoring_refresh(root, "", 2000, &before, &m);
    assert_int_equal(m.utilization_percent, 50);
}

static void test_monitoring_reads_the_radio(void **state)
{
    tsr_lwm2m_monitoring m = { 0 };
    tsr_host_counters before = { 0 };

    (void)state;
    clear();
    put("/sys/class/net/wlan0/wireless/x", "");
    put("/proc/net/wireless", "Inter-| sta-|\n face | tus |\n"
                              " wlan0: 0000   55.  -61.  -256        0      0\n");
    tsr_host_monitoring_refresh(root, "wlan0", 1000, &before, &m);
    assert_int_equal(m.bearer, TSR_LWM2M_BEARER_WLAN);
    assert_int_equal(m.signal_dbm, -61);
    assert_int_equal(m.link_quality, 55);
}

static void test_traffic_counts_all_but_the_loopback(void **state)
{
    tsr_lwm2m_traffic t;

    (void)state;
    clear();
    assert_int_equal(tsr_host_traffic(root, &t), TSR_E_NOT_FOUND);
    put("/proc/net/dev", "Inter-|\n    lo: 500 5 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n");
    assert_int_equal(tsr_host_traffic(root, &t), TSR_OK);
    assert_int_equal(t.rx_bytes, 500);
    put("/proc/net/dev", "Inter-|\n    lo: 500 5 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n"
                         "  eth0: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0\n"
                         " wlan0:1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n");
    assert_int_equal(tsr_host_traffic(root, &t), TSR_OK);
    assert_int_equal(t.rx_bytes, 1100);
    assert_int_equal(t.tx_bytes, 2200);
    assert_int_equal(t.packets, 33);
}

static void test_sensors_measure_load_and_memory(void **state)
{
    tsr_lwm2m_sensor s[TSR_HOST_SENSORS];

    (void)state;
    clear();
    tsr_host_sensors_init(s);
    assert_int_equal(tsr_host_sensors_refresh(root, s, 5), 0);
    assert_false(s[0].measured);
    put("/proc/loadavg", "1.25 0.5 0.25 1/100 1234\n");
    put("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n");
    assert_int_equal(tsr_host_sensors_refresh(root, s, 6), 3);
    assert_true(s[0].value > 1.24 && s[0].value < 1.26);
    assert_true(s[1].value > 74.9 && s[1].value < 75.1);
    assert_int_equal(tsr_host_sensors_refresh(root, s, 7), 0);
    assert_int_equal(s[0].unix_s, 7);
}

static void test_thermometers_are_those_there_are(void **state)
{
    tsr_host_thermometer t[TSR_HOST_TEMPERATURES];
    tsr_lwm2m_sensor s[TSR_HOST_TEMPERATURES];

    (void)state;
    clear();
    assert_int_equal(tsr_host_thermometers_find(root, t, s), 0);
    put("/sys/class/hwmon/hwmon2/temp1_input", "41500\n");
    put("/sys/class/hwmon/hwmon2/temp3_input", "not a number\n");
    assert_int_equal(tsr_host_thermometers_find(root, t, s), 1);
    put("/sys/class/thermal/thermal_zone0/temp", "36600\n");
    put("/sys/class/thermal/thermal_zone3/temp", "-5000\n");
    assert_int_equal(tsr_host_thermometers_find(root, t, s), 2);
    assert_int_equal(tsr_host_thermometers_refresh(root, t, s, 2, 9), 3);
    assert_true(s[0].value > 36.5 && s[0].value < 36.7);
    assert_true(s[1].value > -5.1 && s[1].value < -4.9);
}

static void test_lamp_shows_in_file_and_led(void **state)
{
    tsr_lwm2m_light light = { .on = true, .dimmer = 40 };
    char led[96], file[96], text[32];

    (void)state;
    clear();
    put("/leds/x/max_brightness", "50\n");
    put("/leds/x/brightness", "0\n");
    snprintf(led, sizeof led, "%s/leds/x", root);
    snprintf(file, sizeof file, "%s/lamp", root);
    assert_int_equal(tsr_host_lamp_set(led, file, &light), TSR_OK);
    assert_int_equal(tsr_host_read_text(root, "/lamp", text, sizeof text), TSR_OK);
    assert_string_equal(text, "on 40");
    assert_int_equal(tsr_host_read_text(root, "/leds/x/brightness", text, sizeof text), TSR_OK);
    assert_string_equal(text, "20");
    assert_int_equal(tsr_host_lamp_set("", "/nonexistent/lamp", &light), TSR_E_IO);
}

static void test_store_and_load_a_file(void **state)
{
    char room[256], path[96];
    tsr_buf out = tsr_buf_over(room, sizeof room);
    FILE *f;

    (void)state;
    clear();
    assert_int_equal(tsr_host_load(root, "client", &out), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_host_store(root, "client", tsr_text("first")), TSR_OK);
    assert_int_equal(tsr_host_store(root, "client", tsr_text("second")), TSR_OK);
    assert_int_equal(tsr_host_load(root, "client", &out), TSR_OK);
    assert_true(tsr_same(tsr_buf_view(&out), tsr_text("second")));
    snprintf(path, sizeof path, "%s/client", root);
    for (long cut = 0; cut < 18; cut++) {
        assert_int_equal(tsr_host_store(root, "client", tsr_text("second")), TSR_OK);
        assert_int_equal(truncate(path, cut), 0);
        assert_int_equal(tsr_host_load(root, "client", &out), TSR_E_MALFORMED);
    }
    for (long at = 0; at < 18; at++) {
        assert_int_equal(tsr_host_store(root, "client", tsr_text("second")), TSR_OK);
        f = fopen(path, "r+");
        assert_non_null(f);
        fseek(f, at, SEEK_SET);
        fputc(0x5a ^ (int)at, f);
        fclose(f);
        assert_int_equal(tsr_host_load(root, "client", &out), TSR_E_MALFORMED);
    }
    assert_int_equal(tsr_host_store(root, "client", tsr_text("second")), TSR_OK);
    out = tsr_buf_over(room, strlen("second"));
    assert_int_equal(tsr_host_load(root, "client", &out), TSR_OK);
    out = tsr_buf_over(room, strlen("second") - 1);
    assert_int_equal(tsr_host_load(root, "client", &out), TSR_E_SPACE);
    tsr_host_set_aside(root, "client");
    assert_int_equal(tsr_host_load(root, "client", &out), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_host_store("/nonexistent", "client", tsr_text("x")), TSR_E_IO);
}

static void test_state_comes_back_with_its_mark(void **state)
{
    uint8_t room[5 + TSR_HOST_STATE_HEAD];
    tsr_host_state file = { root, 7, room, sizeof room };
    uint64_t mark = 0;
    tsr_bytes bytes;

    (void)state;
    clear();
    assert_int_equal(tsr_host_state_load(&file, &mark, &bytes), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_host_state_save(&file, tsr_text("state")), TSR_OK);
    assert_int_equal(tsr_host_state_save(&file, tsr_text("longer")), TSR_E_SPACE);
    file.mark = 8;
    assert_int_equal(tsr_host_state_load(&file, &mark, &bytes), TSR_OK);
    assert_int_equal(mark, 7);
    assert_true(tsr_same(bytes, tsr_text("state")));
    tsr_host_state_damaged(&file, TSR_E_MALFORMED);
    assert_int_equal(tsr_host_state_load(&file, &mark, &bytes), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_host_store(root, "client", tsr_text("short")), TSR_OK);
    assert_int_equal(tsr_host_state_load(&file, &mark, &bytes), TSR_E_MALFORMED);
    clear();
}

static void test_state_directory_is_ours_alone(void **state)
{
    char path[96];
    struct stat st;

    (void)state;
    clear();
    snprintf(path, sizeof path, "%s/state", root);
    assert_int_equal(tsr_host_directory(path), TSR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(tsr_host_directory(path), TSR_E_DENIED);
    snprintf(path, sizeof path, "%s/a/b", root);
    assert_int_equal(tsr_host_directory(path), TSR_E_IO);
}

static tsr_err take_pem(const char *text, const char *label, tsr_bytes *der)
{
    static uint8_t room[256];
    size_t len = strlen(text);

    memcpy(room, text, len);
    return tsr_host_pem(room, len, label, der);
}

/* RFC 7468 §3: lines of any length and ending, text around it; both labels are the same. */
static void test_pem_is_found_and_decoded(void **state)
{
    static const char *const good[] = {
        "-----BEGIN A B-----\nAQIDBA==\n-----END A B-----\n",
        "before\r\n-----BEGIN A B-----\r\nAQID\r\nBA==\r\n-----END A B-----\r\nand after",
        "-----BEGIN C-----\nBQ==\n-----END C-----\n"
        "-----BEGIN A B-----\n \tAQIDBA==\v\f\n-----END A B-----",
    };
    static const char *const bad[] = {
        "",
        "-----BEGIN A B-----\nAQIDBA==\n",
        "-----BEGIN A B-----\nAQIDBA==\n-----END A-----\n",
        "-----BEGIN A-----\nAQIDBA==\n-----END A-----\n",
        "-----BEGIN A B-----\n-----END A B-----\n",
        "-----BEGIN A B-----\nAQID*A==\n-----END A B-----\n",
        "-----END A B-----\nAQIDBA==\n-----BEGIN A B-----\n",
    };
    tsr_bytes der;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(take_pem(good[i], "A B", &der), TSR_OK);
        assert_true(tsr_same(der, tsr_view("\1\2\3\4", 4)));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(take_pem(bad[i], "A B", &der), TSR_E_MALFORMED);
}

static void test_udp_carries_datagrams_and_sees_its_address(void **state)
{
    tsr_udp_uri uri;
    tsr_udp a = { .fd = -1 }, b = { .fd = -1 };
    uint8_t room[64];
    tsr_buf in = tsr_buf_over(room, sizeof room);
    char text[96];

    (void)state;
    assert_int_equal(tsr_udp_uri_parse(tsr_text("coap://127.0.0.1:9"), &uri), TSR_OK);
    assert_int_equal(tsr_udp_open(&a, &uri), TSR_OK);
    snprintf(text, sizeof text, "coap://%s", a.local);
    assert_int_equal(tsr_udp_uri_parse(tsr_text(text), &uri), TSR_OK);
    assert_int_equal(tsr_udp_open(&b, &uri), TSR_OK);
    assert_int_equal(tsr_udp_receive(&a, &in), TSR_END);
    assert_int_equal(tsr_udp_send(&b, tsr_text("hello")), TSR_OK);
    assert_int_equal(tsr_udp_receive(&a, &in), TSR_END); /* a is connected to port 9 and hears it alone */
    assert_false(tsr_udp_is_stale(&a));
    assert_int_equal(tsr_udp_send(&a, tsr_text("into the void")), TSR_OK);
    assert_int_equal(tsr_udp_send(&a, tsr_text("once more")), TSR_OK);
    assert_int_equal(tsr_udp_receive(&a, &in), TSR_END);
    tsr_udp_close(&a);
    tsr_udp_close(&b);
    assert_int_equal(tsr_udp_uri_parse(tsr_text("coaps://[::1]:7/"), &uri), TSR_OK);
    assert_string_equal(uri.host, "::1");
    assert_int_equal(uri.port, 7);
    assert_true(uri.secure);
    assert_int_equal(tsr_udp_uri_parse(tsr_text("coaps://name"), &uri), TSR_OK);
    assert_int_equal(uri.port, 5684);
    assert_int_equal(tsr_udp_uri_parse(tsr_text("coap+tcp://name"), &uri), TSR_OK); /* RFC 8323 §8.1 */
    assert_true(uri.stream && !uri.secure && uri.port == 5683);
    assert_int_equal(tsr_udp_uri_parse(tsr_text("coaps+tcp://name"), &uri), TSR_OK); /* RFC 8323 §8.2 */
    assert_true(uri.stream && uri.secure && uri.port == 5684);
    assert_int_equal(tsr_udp_uri_parse(tsr_text("coap+ws://name"), &uri), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_udp_uri_parse(tsr_text("tel:1"), &uri), TSR_E_UNSUPPORTED);
    assert_int_equal(tsr_udp_uri_parse(tsr_text("coap://no.such.name.invalid"), &uri), TSR_OK);
    assert_int_equal(tsr_udp_open(&a, &uri), TSR_E_NOT_FOUND);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/tessera-host-XXXXXX");
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    clear();
    return rmdir(root);
}

#define T(name) cmocka_unit_test(name)

static tsr_err report(const char *text, tsr_lwm2m_location *l)
{
    char path[128];

    put("/gps", text);
    snprintf(path, sizeof path, "%s/gps", root);
    return tsr_host_location_read(path, l);
}

#define TPV(rest) "{\"class\":\"TPV\",\"mode\":3,\"time\":\"2026-01-31T23:59:59.5Z\"," rest "}\n"

static void test_location_is_the_newest_report(void **state)
{
    tsr_lwm2m_location l = { 0 };
    char long_text[20000] = "";

    (void)state;
    clear();
    assert_int_equal(report("{\"class\":\"VERSION\",\"release\":\"3.22\"}\n"
                            TPV("\"lat\":1,\"lon\":2") TPV("\"lat\":48.2082,\"lon\":-16.5,\"alt\":1,"
                            "\"altMSL\":171.25,\"eph\":2.5,\"speed\":0.75")
                            "{\"class\":\"SKY\",\"satellites\":[]}\n", &l), TSR_OK);
    assert_true(l.known && l.has_altitude && l.has_radius && l.has_speed);
    assert_true(l.latitude == 48.2082 && l.longitude == -16.5 && l.altitude_m == 171.25);
    assert_true(l.radius_m == 2.5 && l.speed_m_s == 0.75);
    assert_int_equal(l.unix_s, 1769903999);
    for (int i = 0; i < 150; i++)
        strcat(long_text, TPV("\"lat\":1,\"lon\":2"));
    strcat(long_text, TPV("\"lat\":3,\"lon\":4"));
    assert_int_equal(report(long_text, &l), TSR_OK);
    assert_true(l.latitude == 3 && !l.has_altitude && !l.has_radius && !l.has_speed);
}

static void test_location_without_a_fix_is_unchanged(void **state)
{
    static const char *const bad[] = {
        "", "\n\n", "no JSON\n", "{\"class\":\"SKY\"}\n",
        "{\"class\":\"TPV\",\"mode\":1,\"time\":\"2026-01-31T23:59:59Z\",\"lat\":1,\"lon\":2}\n",
        "{\"class\":\"TPV\",\"mode\":3,\"lat\":1,\"lon\":2}\n",
        "{\"class\":\"TPV\",\"mode\":3,\"time\":\"yesterday\",\"lat\":1,\"lon\":2}\n",
        TPV("\"lat\":1"), TPV("\"lon\":1"), TPV("\"lat\":91,\"lon\":2"), TPV("\"lat\":1,\"lon\":-181"),
        "{\"class\":\"TPV\",\"mode\":3,\"time\":\"2026-01-31T23:59:59Z\",\"lat\":1,\"lon\":2}",
    };
    tsr_lwm2m_location l = { .known = true, .latitude = 7 };

    (void)state;
    clear();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(report(bad[i], &l), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_host_location_read("/nonexistent", &l), TSR_E_NOT_FOUND);
    assert_int_equal(tsr_host_location_read("/dev/zero", &l), TSR_E_NOT_FOUND);
    assert_true(l.known && l.latitude == 7);
}

static void test_kernel_log_records_become_lines(void **state)
{
    static const struct {
        const char *record, *line;
        unsigned level;
    } good[] = {
        { "6,339,5140900,-;NET: Registered protocol family 10\n",
          "2023-11-14T22:13:25.140Z level=info event=kernel text=\"NET: Registered protocol family 10\"", 6 },
        { "30,340,0,-,caller=T1;say \"no\"\x01\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n",
          "2023-11-14T22:13:20.000Z level=info event=kernel text=\"say 'no'?\"", 6 },
        { "0,1,1000,-;", "2023-11-14T22:13:20.001Z level=emergency event=kernel text=\"\"", 0 },
    };
    static const char *const bad[] = { "", ";", "6,339,5140900", "x,1,2,-;y", "6,339;5,140900,-", "6,,1,-;x" };
    tsr_kernel_line line;
    char large[8192];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(tsr_host_kernel_log_parse(tsr_text(good[i].record), 1700000000000, &line), TSR_OK);
        assert_string_equal(line.text, good[i].line);
        assert_int_equal(line.level, good[i].level);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tsr_host_kernel_log_parse(tsr_text(bad[i]), 0, &line), TSR_E_MALFORMED);
    memset(large, 'x', sizeof large);
    memcpy(large, "6,1,1,-;", 8);
    assert_int_equal(tsr_host_kernel_log_parse(tsr_view(large, sizeof large), 0, &line), TSR_OK);
    assert_in_range(strlen(line.text), 1000, sizeof line.text - 1);
}

/* A socket gives one record a read, as the kernel does. */
static void test_kernel_log_is_read_record_by_record(void **state)
{
    tsr_kernel_line line;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(tsr_host_kernel_log_next(pair[0], &line), TSR_END);
    assert_int_equal(write(pair[1], "4,1,0,-;one\n", 12), 12);
    assert_int_equal(write(pair[1], "broken", 6), 6);
    assert_int_equal(write(pair[1], "3,2,0,-;two\n", 12), 12);
    assert_int_equal(tsr_host_kernel_log_next(pair[0], &line), TSR_OK);
    assert_non_null(strstr(line.text, "level=warning event=kernel text=\"one\""));
    assert_int_equal(tsr_host_kernel_log_next(pair[0], &line), TSR_OK);
    assert_non_null(strstr(line.text, "level=error event=kernel text=\"two\""));
    assert_int_equal(tsr_host_kernel_log_next(pair[0], &line), TSR_END);
    close(pair[1]);
    assert_int_equal(tsr_host_kernel_log_next(pair[0], &line), TSR_E_IO);
    close(pair[0]);
}

static void take_line(void *user, tsr_log_level level, const char *event, const char *line)
{
    assert_int_equal(level, TSR_LOG_ERROR);
    assert_string_equal(event, "test");
    snprintf(user, 200, "%s", line);
}

static void test_log_lines_go_to_the_sink_too(void **state)
{
    char line[200] = "";

    (void)state;
    tsr_host_log_sink(take_line, line);
    tsr_host_log(TSR_LOG_ERROR, "test", "cause=\"a\nb\"");
    tsr_host_log(TSR_LOG_DEBUG, "unheard", "x=1");
    tsr_host_log_sink(NULL, NULL);
    tsr_host_log(TSR_LOG_ERROR, "unheard", "x=1");
    assert_int_equal(strlen(line), strlen("2026-01-31T23:59:59.999Z level=error event=test cause=\"a?b\""));
    assert_string_equal(line + 24, " level=error event=test cause=\"a?b\"");
    assert_int_equal(line[23], 'Z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_device_comes_from_dmi_and_os),
        T(test_device_keeps_what_the_configuration_says),
        T(test_device_finds_power_sources),
        T(test_monitoring_reads_bearer_routes_and_load),
        T(test_monitoring_reads_the_radio),
        T(test_traffic_counts_all_but_the_loopback),
        T(test_sensors_measure_load_and_memory),
        T(test_thermometers_are_those_there_are),
        T(test_location_is_the_newest_report),
        T(test_location_without_a_fix_is_unchanged),
        T(test_kernel_log_records_become_lines),
        T(test_kernel_log_is_read_record_by_record),
        T(test_log_lines_go_to_the_sink_too),
        T(test_lamp_shows_in_file_and_led),
        T(test_store_and_load_a_file),
        T(test_state_comes_back_with_its_mark),
        T(test_state_directory_is_ours_alone),
        T(test_pem_is_found_and_decoded),
        T(test_udp_carries_datagrams_and_sees_its_address),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
