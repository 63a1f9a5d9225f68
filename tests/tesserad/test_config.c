/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration file: what is good, and for everything that is not: line, cause and remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "apps/tesserad/config.h"

static char path[] = "/tmp/tessera-config-XXXXXX";
static config c;
static char error[512];

static tsr_err load(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return config_load(path, &c, error, sizeof error);
}

/* A device may know its bootstrap server and nobody else. */
static void test_config_takes_a_bootstrap_server(void **state)
{
    (void)state;
    assert_int_equal(load("[device]\nendpoint = d\nstate = /s\n[bootstrap]\nuri = coaps://b\n"
                          "mode = psk\nidentity = d\nkey = 3\nhold_off = 5\npack = no\n"
                          "retry_timer = 9\naccount_timeout = 60\n"),
                     TSR_OK);
    assert_true(c.has_bootstrap);
    assert_int_equal(c.server_count, 0);
    assert_int_equal(c.bootstrap.hold_off_s, 5);
    assert_int_equal(c.bootstrap.account_timeout_s, 60);
    assert_int_equal(c.bootstrap.pack, 0);
    assert_int_equal(c.bootstrap.number[TSR_LWM2M_S_RETRY_TIMER], 9);
    assert_ptr_equal(config_find(&c, CONFIG_BOOTSTRAP), &c.bootstrap);
    assert_null(config_find(&c, 1));
}

/* A device may know nobody, and be told by whoever onboards it. */
static void test_config_takes_onboarding(void **state)
{
    config_server *s;

    (void)state;
    assert_int_equal(load("[device]\nendpoint = d\nstate = /s\n[fdo]\nmanufacturer = http://m:8039\n"
                          "key = p384\nreuse = no\nroot = /r\nfile_size = 1000\nwget = yes\n"
                          "commands = date=/bin/date   id=/usr/bin/id\ncommand_time = 5\n"),
                     TSR_OK);
    assert_true(c.fdo.present);
    assert_int_equal(c.fdo.bits, 384);
    assert_int_equal(c.fdo.reuse, 0);
    assert_int_equal(c.fdo.command_count, 2);
    assert_string_equal(c.fdo.commands[0].name, "date");
    assert_string_equal(c.fdo.commands[1].name, "id");
    assert_string_equal(c.fdo.commands[1].program, "/usr/bin/id");
    assert_int_equal(c.server_count, 0);
    s = config_add(&c, 5);
    assert_ptr_equal(config_find(&c, 5), s);
    assert_null(config_add(&c, 5));
    assert_string_equal(s->access, "RWEDC");
    assert_int_equal(s->rights, TSR_LWM2M_MAY_ALL);
    assert_int_equal(s->number[TSR_LWM2M_S_LIFETIME], 86400);
    assert_ptr_equal(config_add(&c, CONFIG_BOOTSTRAP), &c.bootstrap);
    assert_true(c.has_bootstrap);
    for (uint32_t id = 10; id < 10 + CONFIG_SERVERS - 1; id++)
        assert_non_null(config_add(&c, id));
    assert_null(config_add(&c, 99));
    assert_int_equal(load("[device]\nendpoint = d\nstate = /s\n[fdo]\n"), TSR_OK);
    assert_int_equal(c.fdo.bits, 256);
}

static void test_config_takes_a_whole_file(void **state)
{
    (void)state;
    assert_int_equal(load("# a comment\n"
                          "[device]\n"
                          "  endpoint = dev 1  \r\n"
                          "state=/var/lib/x\n"
                          "reboot = none\n"
                          "deregister_on_exit = yes\n"
                          "alternate_path = /app/lwm2m\nsms = 436641234567890\nhistory = 5000\nprofile = v:lamp-1\nprofile_covers = </1/0>,</3/0>\n"
                          "\n; another\n"
                          "[secured]\nsocket = /run/s.sock\n"
                          "[server 7]\nuri = coaps://[2001:db8::1]:4000/\nmode = psk\n"
                          "identity = a=b\nkey = 12\nlifetime = 60\nnotify = con\nstoring = no\n"
                          "[server 9]\nuri = coap://example.net\n"
                          "[light 0]\nfile = /tmp/l\n[light 4]\nled = /sys/x\n"
                          "[container 7]\ndirectory = /d\ndescription = 12345678901234567890123456789012\n"
                          "priority = 0\nsoftware = 2\nuser = nobody\n"),
                     TSR_OK);
    assert_string_equal(c.endpoint, "dev 1");
    assert_int_equal(c.reboot, REBOOT_NONE);
    assert_int_equal(c.deregister, 1);
    assert_string_equal(c.root, "/app/lwm2m");
    assert_string_equal(c.sms, "436641234567890");
    assert_string_equal(c.profile, "v:lamp-1");
    assert_int_equal(c.history, 5000);
    assert_string_equal(c.profile_covers, "</1/0>,</3/0>");
    assert_int_equal(c.server_count, 2);
    assert_int_equal(c.servers[0].short_id, 7);
    assert_string_equal(c.servers[0].identity, "a=b");
    assert_int_equal(c.servers[0].key, 12);
    assert_int_equal(c.servers[0].number[TSR_LWM2M_S_LIFETIME], 60);
    assert_int_equal(c.servers[0].number[TSR_LWM2M_S_NOTIFY_MODE], 1);
    assert_int_equal(c.servers[0].number[TSR_LWM2M_S_STORING], 0);
    assert_int_equal(c.servers[0].set, 1u << TSR_LWM2M_S_LIFETIME | 1u << TSR_LWM2M_S_NOTIFY_MODE |
                                           1u << TSR_LWM2M_S_STORING);
    assert_int_equal(c.servers[1].mode, TSR_LWM2M_MODE_NOSEC);
    assert_int_equal(c.servers[1].number[TSR_LWM2M_S_LIFETIME], 86400);
    assert_int_equal(c.light_count, 2);
    assert_int_equal(c.lights[1].id, 4);
    assert_int_equal(c.container_count, 1);
    assert_int_equal(c.containers[0].id, 7);
    assert_int_equal(strlen(c.containers[0].description), 32);
    assert_int_equal(c.containers[0].priority, 0);
    assert_int_equal(c.containers[0].app, CONFIG_NONE);
    assert_int_equal(c.containers[0].software, 2);
    assert_string_equal(c.containers[0].user, "nobody");
    assert_int_equal(c.ack_timeout_ms, 2000);
}

static void test_config_takes_ciphersuites(void **state)
{
    (void)state;
    assert_int_equal(load("[device]\nendpoint = d\nstate = s\n[server 1]\nuri = coaps://h\nmode = psk\n"
                          "identity = i\nkey = 1\nciphersuites = 0xC0A4  0x00a8\n"), TSR_OK);
    assert_int_equal(c.servers[0].suites[0], 0xc0a4);
    assert_int_equal(c.servers[0].suites[1], 0x00a8);
    assert_int_equal(c.servers[0].suites[2], 0);
}

static void test_config_example_is_good(void **state)
{
    (void)state;
    assert_int_equal(config_load(TSR_SOURCE_DIR "/apps/tesserad/tesserad.conf", &c, error, sizeof error), TSR_OK);
}

#define GOOD "[device]\nendpoint = d\nstate = s\n"
#define DEVICE "[device]\nendpoint = d\nstate = /s\n"
#define PSK "[server 1]\nuri = coaps://h\nmode = psk\nidentity = i\nkey = 1\n"

static void test_config_takes_bytes_as_text_or_digits(void **state)
{
    const config_server *s = &c.servers[0];

    (void)state;
    assert_int_equal(load(GOOD "[server 1]\nuri = coap://h\noscore_key = 21\noscore_sender = dev\n"
                          "oscore_recipient = 0x00fF\noscore_salt = 0x\noscore_aead = 10\n"),
                     TSR_OK);
    assert_int_equal(s->oscore_key, 21);
    assert_int_equal(s->oscore_sender.len, 3);
    assert_memory_equal(s->oscore_sender.bytes, "dev", 3);
    assert_int_equal(s->oscore_recipient.len, 2);
    assert_memory_equal(s->oscore_recipient.bytes, "\x00\xff", 2);
    assert_int_equal(s->oscore_salt.len, 0);
    assert_int_equal(s->oscore_aead, 10);
    assert_int_equal(load(GOOD "[bootstrap]\nuri = coap://h\noscore_key = 31\noscore_sender = dev\n"),
                     TSR_OK);
    assert_int_equal(c.bootstrap.oscore_key, 31);
    assert_int_equal(c.bootstrap.oscore_sender.len, 3);
}

static void test_config_takes_rights(void **state)
{
    (void)state;
    assert_int_equal(load(GOOD "[server 1]\nuri = coap://h\nowner = yes\n[server 2]\nuri = coap://h\n"
                          "access = ER\n[server 3]\nuri = coap://h\naccess = none\n"),
                     TSR_OK);
    assert_int_equal(c.servers[0].rights, TSR_LWM2M_MAY_ALL);
    assert_int_equal(c.servers[0].owner, 1);
    assert_int_equal(c.servers[1].rights, TSR_LWM2M_MAY_READ | TSR_LWM2M_MAY_EXECUTE);
    assert_int_equal(c.servers[2].rights, 0);
}

static void test_config_takes_a_place(void **state)
{
    (void)state;
    assert_int_equal(load(GOOD PSK "[location]\nlatitude = -43.5723\nlongitude = 153.2\nradius = 2\n"
                          "file = /run/gps\n[log]\nkernel = no\n"),
                     TSR_OK);
    assert_true(c.latitude.set && c.longitude.set && c.radius.set);
    assert_false(c.altitude.set);
    assert_true(c.latitude.value == -43.5723);
    assert_true(c.longitude.value == 153.2);
    assert_string_equal(c.location_file, "/run/gps");
    assert_int_equal(c.kernel_log, 0);
    assert_true(c.written_unix_s > 1700000000);
    assert_int_equal(load(GOOD PSK), TSR_OK);
    assert_false(c.latitude.set);
    assert_int_equal(c.kernel_log, 1);
}

static void test_config_errors_name_line_cause_and_remedy(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *cause, *remedy;
    } cases[] = {
        { "endpoint = d\n", 1, "before the first section", "put it under [device]" },
        { "[device\n", 1, "without its closing bracket", "end the line with ]" },
        { GOOD PSK "[container 1]\nformat = x\n", 9, "wants a directory", "add directory" },
        { GOOD PSK "[container 1]\ndirectory = x\n", 9, "wants a directory", "/PATH" },
        { GOOD PSK "[container 1]\ndirectory = /x\n[container 1]\n", 11, "numbered upwards", "change" },
        { GOOD PSK "[container 1]\ndirectory = /x\n[container 2]\ndirectory = /x\n", 11, "has the directory of",
          "its own" },
        { GOOD PSK "[container 1]\npriority = 256\n", 10, "no whole number", "takes one" },
        { GOOD PSK "[container 0]\n[container 1]\n[container 2]\n[container 3]\n[container 4]\n", 13,
          "more than 4 containers", "remove one" },
        { "[devise]\n", 1, "unknown section [devise]", "known are: device" },
        { "[server x]\n", 1, "unknown section", "known are" },
        { "[server 0]\n", 1, "1 to 65534", "change it" },
        { "[server 65535]\n", 1, "1 to 65534", "change it" },
        { GOOD "[server 1]\n[server 1]\n", 5, "there twice", "number them apart" },
        { "[device]\nendpont = d\n", 2, "unknown key 'endpont' in [device]", "known are: endpoint" },
        { "[device]\njust words\n", 2, "neither a section nor a key", "key = value" },
        { "[device]\nreboot = maybe\n", 2, "'maybe'", "one of: restart, system, none" },
        { "[device]\nrefresh = 0\n", 2, "'0' is no whole number from 1 to 3600", "takes one" },
        { "[server 1]\nlifetime = -1\n", 2, "no whole number", "takes one" },
        { "[server 1]\nlifetime = 4294967296\n", 2, "no whole number", "takes one" },
        { "[server 1]\nkey = 0\n", 2, "no whole number", "takes one" },
        { "[server 1]\nsecret = 00\n", 2, "unknown key 'secret'", "known are" },
        { "[device]\nstate = s\n" PSK, 7, "the device has no name", "add endpoint" },
        { "[device]\nendpoint = s\n" PSK, 7, "no place for the state", "add state" },
        { GOOD, 3, "no server", "[server 1]" },
        { GOOD "[server 1]\n", 4, "has no uri", "add uri" },
        { GOOD "[server 1]\nuri = http://x\n", 4, "no server URI", "write coap://" },
        { GOOD "[server 1]\nuri = coap://\n", 4, "no server URI", "write coap://" },
        { GOOD "[server 1]\nuri = coap://h:0\n", 4, "no server URI", "write coap://" },
        { GOOD "[server 1]\nuri = coap://h:70000\n", 4, "no server URI", "write coap://" },
        { GOOD "[server 1]\nuri = coap://h/path\n", 4, "no server URI", "write coap://" },
        { GOOD "[server 1]\nuri = coap://[::1\n", 4, "no server URI", "write coap://" },
        { GOOD "[server 1]\nuri = coaps://h\n", 4, "without keys", "mode = psk" },
        { GOOD "[server 1]\nuri = coap://h\nmode = psk\n", 4, "not secured", "write coaps" },
        { GOOD "[server 1]\nuri = coaps://h\nmode = psk\nkey = 1\n", 4, "needs identity", "provision --server 1" },
        { GOOD "[server 1]\nuri = coaps://h\nmode = certificate\nkey = 1\n", 4, "needs certificate", "add what is missing" },
        { GOOD "[server 1]\nuri = coap://h\noscore_key = 3\n", 4, "are the same", "its own id" },
        { GOOD "[bootstrap]\n", 4, "[bootstrap] has no uri", "add uri" },
        { GOOD "[bootstrap]\nuri = coaps://h\n", 4, "without keys", "mode = psk" },
        { GOOD "[bootstrap]\nuri = coaps://h\nmode = psk\n", 4, "identity and key", "--bootstrap" },
        { GOOD "[bootstrap]\nuri = coap://h\n[bootstrap]\n", 6, "there twice", "one bootstrap" },
        { GOOD "[bootstrap]\nuri = coap://h\nlifetime = 3\n", 6, "unknown key", "hold_off" },
        { GOOD "[bootstrap]\nuri = coap://h\noscore_key = 3\n", 4, "are the same", "its own id" },
        { GOOD "[bootstrap]\nuri = coap://h\noscore_sender = a\n", 4, "without oscore_key",
          "provision --oscore --bootstrap" },
        { GOOD "[server 1]\nuri = coap://h\noscore_sender = a\n", 4, "without oscore_key",
          "provision --oscore --server 1" },
        { "[server 1]\noscore_sender = 0x1\n", 2, "pairs of hexadecimal digits", "correct it" },
        { "[server 1]\noscore_salt = 0x1g\n", 2, "pairs of hexadecimal digits", "correct it" },
        { "[server 1]\noscore_recipient = too long\n", 2, "longer than 7 bytes", "shorten it" },
        { GOOD "[server 1]\nuri = coap://h\naccess = RX\n", 4, "access = RX", "write some of RWEDC" },
        { GOOD "[server 1]\nuri = coap://h\nowner = yes\n[server 2]\nuri = coap://h\nowner = yes\n", 7,
          "more than one server with owner", "leave one" },
        { GOOD PSK "ciphersuites = c0a8\n", 4, "is no suite", "write their numbers" },
        { GOOD PSK "ciphersuites = 0xc0a8 0x10000\n", 4, "is no suite", "write their numbers" },
        { GOOD PSK "ciphersuites = 0x1 0x1 0x1 0x1 0x1 0x1 0x1 0x1 0x1\n", 4, "more than 8", "leave the best" },
        { GOOD "[server 1]\nuri = coap://h\nciphersuites = 0xc0a8\n", 4, "without keys", "mode = psk" },
        { GOOD "alternate_path = /lwm2m/3\n" PSK, 9, "no path for objects", "write one like /lwm2m" },
        { GOOD "sms = +43664123456\n" PSK, 9, "is no number of a modem", "without +" },
        { GOOD "profile = lamp\n" PSK, 9, "no Profile ID", "write auto, oma:NAME" },
        { GOOD "profile_covers = </1/0>\n" PSK, 9, "goes with a profile", "add one" },
        { GOOD "profile = v:x\nprofile_covers = /1/0\n" PSK, 10, "no list of links", "write </1/0>" },
        { GOOD "[light 3]\n[light 3]\n", 5, "numbered upwards", "change this number" },
        { GOOD "[coap]\nblock_size = 100\n" PSK, 10, "no power of two", "use 16 to 1024" },
        { GOOD PSK "[location]\nlatitude = 48\n", 10, "one of latitude and longitude", "add the other" },
        { GOOD PSK "[location]\nradius = 48\n", 10, "has no place", "add latitude" },
        { GOOD PSK "[location]\nlatitude = 0\nlongitude = 0\nradius = -1\n", 12, "below 0", "from 0 on" },
        { "[location]\nlatitude = 90.1\n", 2, "no number from -90 to 90", "takes one" },
        { "[location]\nlongitude = 1,5\n", 2, "no number from -180 to 180", "takes one" },
        { "[location]\nlongitude = nan\n", 2, "no number from -180 to 180", "takes one" },
        { DEVICE "[fdo]\nmanufacturer = ftp://x\n", 5, "manufacturer is no URL", "write http" },
        { DEVICE "[fdo]\nroot = here\n", 5, "root is no path", "write for example" },
        { DEVICE "[fdo]\nwget = yes\n", 5, "work in a folder", "add root" },
        { DEVICE "[fdo]\nroot = /r\ncommands = date\n", 6, "commands are NAME=/PATH", "write" },
        { DEVICE "[fdo]\nroot = /r\ncommands = a=/a b=c\n", 6, "commands are NAME=/PATH", "write" },
        { DEVICE "[fdo]\nkey = rsa\n", 5, "'rsa'", "one of: p256, p384" },
        { "[network]\ninterface = averyverylongname0\n", 2, "longer than 15 bytes", "shorten it" },
    };
    char place[64];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tsr_err err = load(cases[i].text);

        snprintf(place, sizeof place, "%s:%u: ", path, cases[i].line);
        if (err != TSR_E_MALFORMED || strncmp(error, place, strlen(place)) != 0 ||
            strstr(error, cases[i].cause) == NULL || strstr(error, cases[i].remedy) == NULL)
            fail_msg("case %zu gave %s \"%s\"", i, tsr_err_name(err), error);
    }
}

static void test_config_survives_any_bytes(void **state)
{
    static const char seed[] = GOOD PSK "[light 0]\nled = x\n";
    char text[sizeof seed];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof seed; i++) {
        for (unsigned v = 1; v < 256; v += 41) {
            memcpy(text, seed, sizeof seed);
            text[i] = (char)v;
            if (load(text) != TSR_OK)
                assert_non_null(strstr(error, "; "));
        }
    }
}

static void test_config_says_when_a_file_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(config_load("/nonexistent/file", &c, error, sizeof error), TSR_E_NOT_FOUND);
    assert_string_equal(error, "/nonexistent/file: No such file or directory; name the file with --config");
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static int make_file(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_takes_a_bootstrap_server),
        cmocka_unit_test(test_config_takes_onboarding),
        cmocka_unit_test(test_config_takes_a_whole_file),
        cmocka_unit_test(test_config_takes_ciphersuites),
        cmocka_unit_test(test_config_example_is_good),
        cmocka_unit_test(test_config_takes_bytes_as_text_or_digits),
        cmocka_unit_test(test_config_takes_rights),
        cmocka_unit_test(test_config_takes_a_place),
        cmocka_unit_test(test_config_errors_name_line_cause_and_remedy),
        cmocka_unit_test(test_config_survives_any_bytes),
        cmocka_unit_test(test_config_says_when_a_file_is_not_there),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
