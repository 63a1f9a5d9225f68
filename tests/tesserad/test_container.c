/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder of a container: what programs put there, what servers do, and what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ports/linux/host/container.h"
#include "ports/linux/host/log.h"

static char top[64], folder[80];
static int inotify, warnings;
static tsr_host_container c;
static tsr_lwm2m_app_data item;

static const char *at(const char *name)
{
    static char path[2][128];
    static int turn;

    turn ^= 1;
    snprintf(path[turn], sizeof *path, "%s/%s", folder, name);
    return path[turn];
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static bool holds(const char *name, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(at(name), "r");

    if (f == NULL)
        return text == NULL;
    got[fread(got, 1, sizeof got - 1, f)] = '\0';
    fclose(f);
    return text != NULL && strcmp(got, text) == 0;
}

/* What inotify has to say until now. */
static void hear(void)
{
    _Alignas(struct inotify_event) char room[4096];
    ssize_t n;

    while ((n = read(inotify, room, sizeof room)) > 0) {
        for (ssize_t i = 0; i < n;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)(room + i);

            tsr_host_container_heard(&c, e);
            i += (ssize_t)(sizeof *e + e->len);
        }
    }
}

static uint8_t news(void)
{
    hear();
    return tsr_host_container_take(&c, &item);
}

static bool part_is(unsigned i, const char *text)
{
    return (item.there >> i & 1) != 0 && tsr_same(tsr_view(item.data[i], item.len[i]), tsr_text(text));
}

static void set(unsigned i, const char *text)
{
    memcpy(item.data[i], text, strlen(text));
    item.len[i] = (uint16_t)strlen(text);
    item.there = (uint8_t)(item.there | 1u << i);
    item.changed = (uint8_t)(item.changed | 1u << i);
}

static void count_warnings(void *user, tsr_log_level level, const char *event, const char *line)
{
    (void)user;
    (void)line;
    warnings += level == TSR_LOG_WARNING && strcmp(event, "container-refused") == 0;
}

static int begin(void **state)
{
    (void)state;
    snprintf(top, sizeof top, "/tmp/tessera-container-XXXXXX");
    assert_non_null(mkdtemp(top));
    snprintf(folder, sizeof folder, "%s/c", top);
    inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(inotify >= 0);
    c = (tsr_host_container){ .path = folder, .user = TSR_HOST_SAME, .group = TSR_HOST_SAME };
    item = (tsr_lwm2m_app_data){ .used = true, .id = 5 };
    warnings = 0;
    tsr_host_log_sink(count_warnings, NULL);
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_OK);
    assert_int_equal(news(), 0);
    return 0;
}

static int end(void **state)
{
    char command[192];

    (void)state;
    close(inotify);
    tsr_host_log_sink(NULL, NULL);
    snprintf(command, sizeof command, "chmod -R u+rwx '%s'; rm -rf '%s'", top, top);
    return system(command);
}

static void test_container_takes_what_programs_put_there(void **state)
{
    struct timespec then[2] = { { 1700000000, 0 }, { 1700000000, 0 } };
    int fd;

    (void)state;
    put("0.part", "12.5");
    assert_int_equal(news(), 0); /* no number yet */
    assert_int_equal(utimensat(AT_FDCWD, at("0.part"), then, 0), 0);
    assert_int_equal(rename(at("0.part"), at("0")), 0);
    assert_int_equal(news(), 1);
    assert_true(part_is(0, "12.5"));
    assert_int_equal(item.created_s, 1700000000);
    assert_true(item.set >> 2 & 1);
    assert_int_equal(news(), 0); /* said once */

    fd = open(at("3"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "half", 4), 4);
    assert_int_equal(news(), 0); /* it is still being written */
    assert_int_equal(write(fd, "whole", 5), 5);
    close(fd);
    assert_int_equal(news(), 8);
    assert_true(part_is(3, "halfwhole"));
    assert_true(item.created_s > 1700000000);

    put("3", ""); /* empty is a value */
    assert_int_equal(news(), 8);
    assert_true(part_is(3, ""));
    assert_int_equal(unlink(at("0")), 0);
    assert_int_equal(news(), 1);
    assert_int_equal(item.there, 8);
}

/* The same reading at a later time is news; a look at what did not change is none. */
static void test_container_takes_the_same_again(void **state)
{
    struct timespec then[2] = { { 1700000000, 0 }, { 1700000000, 0 } };

    (void)state;
    put("1", "same");
    assert_int_equal(news(), 2);
    c.due = 0xf;
    assert_int_equal(news(), 0);
    put("1", "same");
    assert_int_equal(utimensat(AT_FDCWD, at("1"), then, 0), 0);
    assert_int_equal(news(), 2);
    assert_int_equal(item.created_s, 1700000000);
}

static void test_container_shows_what_a_server_writes(void **state)
{
    struct stat st;

    (void)state;
    put("1", "old");
    put("2", "gone");
    assert_int_equal(news(), 6);
    item.created_s = 7;
    set(0, "new");
    set(1, "other");
    item.there &= (uint8_t)~4u;
    item.changed |= 4;
    assert_int_equal(tsr_host_container_prepare(&c, &item), TSR_OK);
    assert_true(holds("0", NULL)); /* nothing to be seen before it is durable */
    assert_true(holds("1", "old"));
    assert_int_equal(tsr_host_container_commit(&c, &item), TSR_OK);
    assert_true(holds("0", "new"));
    assert_true(holds("1", "other"));
    assert_true(holds("2", NULL));
    assert_true(holds(".0.new", NULL));
    assert_int_equal(stat(at("0"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(item.changed, 0);
    assert_int_equal(news(), 0); /* our own, not a program's */
    assert_int_equal(item.created_s, 7);
}

static void test_container_takes_back_what_was_not_stored(void **state)
{
    (void)state;
    set(0, "new");
    assert_int_equal(tsr_host_container_prepare(&c, &item), TSR_OK);
    assert_true(holds(".0.new", "new"));
    tsr_host_container_abort(&c);
    assert_true(holds(".0.new", NULL));
    assert_true(holds("0", NULL));
    /* one that a kill left is in nobody's way */
    put(".0.new", "left");
    assert_int_equal(tsr_host_container_prepare(&c, &item), TSR_OK);
    assert_int_equal(tsr_host_container_commit(&c, &item), TSR_OK);
    assert_true(holds("0", "new"));
}

/* What a kill left half done is settled by the folder. */
static void test_container_believes_the_folder_after_a_restart(void **state)
{
    (void)state;
    put("0", "in the folder");
    put("1", "known");
    set(0, "in the state");
    set(1, "known");
    set(2, "nowhere");
    item.changed = 0; /* as it comes from the state */
    item.created_s = 7;
    hear();
    c.due = 0xf;
    assert_int_equal(news(), 5);
    assert_true(part_is(0, "in the folder"));
    assert_true(part_is(1, "known"));
    assert_int_equal(item.there, 3);
    assert_true(item.created_s > 7);
}

static void make_socket(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
    close(fd);
}

static void refuse(const char *made)
{
    assert_int_equal(rename(at(made), at("0")), 0);
    assert_int_equal(news(), 1);
    assert_int_equal(item.there, 0);
    assert_int_equal(unlink(at("0")) == 0 || rmdir(at("0")) == 0, true);
    put("0", "good");
    assert_int_equal(news(), 1);
}

static void test_container_refuses_what_is_no_plain_file(void **state)
{
    char outside[96], large[TSR_LWM2M_APP_PART_LEN + 2];

    (void)state;
    memset(large, 'x', sizeof large);
    large[sizeof large - 2] = '\0';
    put("0", large); /* as long as may be */
    assert_int_equal(news(), 1);
    assert_int_equal(item.len[0], TSR_LWM2M_APP_PART_LEN);
    snprintf(outside, sizeof outside, "%s/secret", top);
    assert_int_equal(symlink("/etc/hostname", at("x")), 0);
    refuse("x");
    assert_int_equal(warnings, 1);
    assert_int_equal(mkfifo(at("x"), 0600), 0);
    refuse("x");
    assert_int_equal(mkdir(at("x"), 0700), 0);
    unlink(at("0"));
    refuse("x");
    make_socket(at("x"));
    refuse("x");
    put("x", "");
    assert_int_equal(rename(at("x"), outside), 0);
    assert_int_equal(link(outside, at("x")), 0);
    refuse("x");
    assert_int_equal(warnings, 1); /* one line for a cause, as often as it comes */
    large[sizeof large - 2] = 'x';
    large[sizeof large - 1] = '\0';
    put("x", large);
    refuse("x");
    assert_int_equal(warnings, 2);
    if (geteuid() == 0)
        return; /* root reads everything */
    put("x", "closed");
    assert_int_equal(chmod(at("x"), 0), 0);
    refuse("x");
    assert_int_equal(warnings, 3);
}

static void test_container_minds_numbers_only(void **state)
{
    static const char *const names[] = { "4", "00", "-1", "0 ", "0.new", "a", "18446744073709551616" };

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put(names[i], "x");
    assert_int_equal(news(), 0);
    c.due = 0xf;
    assert_int_equal(news(), 0);
    assert_int_equal(item.there, 0);
}

/* A program that puts a link where the folder was leads us nowhere. */
static void test_container_stays_in_folders_of_its_owner(void **state)
{
    char elsewhere[96];

    (void)state;
    put("0", "x");
    assert_int_equal(news(), 1);
    snprintf(elsewhere, sizeof elsewhere, "%s/d", top);
    assert_int_equal(rename(folder, elsewhere), 0);
    assert_int_equal(news(), 1); /* it is gone from where it was */
    assert_int_equal(item.there, 0);
    assert_int_equal(symlink(elsewhere, folder), 0);
    c.due = 0xf;
    assert_int_equal(news(), 0);
    set(0, "y");
    assert_int_equal(tsr_host_container_prepare(&c, &item), TSR_E_DENIED);
    assert_false(tsr_host_container_watched(&c));
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_E_DENIED);
    assert_int_equal(unlink(folder), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(tsr_host_container_prepare(&c, &item), TSR_E_DENIED);
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(folder, 65534, 65534), 0);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_E_DENIED);
    c.user = 65534;
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_OK);
}

static void test_container_is_opened_again(void **state)
{
    (void)state;
    put("0", "x");
    assert_int_equal(news(), 1);
    unlink(at("0"));
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(news(), 1);
    assert_false(tsr_host_container_watched(&c));
    set(1, "y");
    assert_int_equal(tsr_host_container_prepare(&c, &item), TSR_E_IO);
    item.changed = 0;
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_OK);
    assert_true(tsr_host_container_watched(&c));
    assert_int_equal(news(), 2); /* nothing is there */
    put("1", "z");
    assert_int_equal(news(), 2);
    assert_true(part_is(1, "z"));
}

/* The folder and its files are of the user and group that the configuration names. */
static void test_container_belongs_to_its_user(void **state)
{
    struct stat st;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(rmdir(folder), 0);
    c = (tsr_host_container){ .path = folder, .user = 65534, .group = 7 };
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_OK);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_uid, 65534);
    assert_int_equal(st.st_gid, 7);
    assert_int_equal(st.st_mode & 07777, 02770);
    set(0, "x");
    assert_int_equal(tsr_host_container_prepare(&c, &item), TSR_OK);
    assert_int_equal(tsr_host_container_commit(&c, &item), TSR_OK);
    assert_int_equal(stat(at("0"), &st), 0);
    assert_int_equal(st.st_uid, 65534);
    assert_int_equal(st.st_gid, 7);
    assert_int_equal(st.st_mode & 07777, 0660);
}

/* Whoever may write above could put any folder of ours there. */
static void test_container_gives_away_only_what_it_made(void **state)
{
    char left[96];
    struct stat st;

    (void)state;
    assert_int_equal(rmdir(folder), 0);
    hear();
    assert_int_equal(mkdir(folder, 0750), 0);
    c = (tsr_host_container){ .path = folder, .user = TSR_HOST_SAME, .group = TSR_HOST_SAME };
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_OK);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    c = (tsr_host_container){ .path = folder, .user = 65534, .group = 7 };
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_E_DENIED);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_uid, geteuid());
    assert_int_equal(st.st_mode & 07777, 0750);

    snprintf(left, sizeof left, "%s/.c.new", top); /* by a kill, before it had its name */
    assert_int_equal(rename(folder, left), 0);
    c = (tsr_host_container){ .path = folder, .user = TSR_HOST_SAME, .group = TSR_HOST_SAME };
    assert_int_equal(tsr_host_container_open(&c, inotify), TSR_OK);
    assert_int_equal(stat(left, &st), -1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_container_takes_what_programs_put_there),
        CASE(test_container_takes_the_same_again),
        CASE(test_container_shows_what_a_server_writes),
        CASE(test_container_takes_back_what_was_not_stored),
        CASE(test_container_believes_the_folder_after_a_restart),
        CASE(test_container_refuses_what_is_no_plain_file),
        CASE(test_container_minds_numbers_only),
        CASE(test_container_stays_in_folders_of_its_owner),
        CASE(test_container_is_opened_again),
        CASE(test_container_belongs_to_its_user),
        CASE(test_container_gives_away_only_what_it_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
