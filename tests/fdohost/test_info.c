/* SPDX-License-Identifier: Apache-2.0
 *
 * Each module with an owner that behaves, and with one that does not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ports/linux/fdo/info.h"
#include "ports/linux/host/log.h"
#include "ports/linux/host/system.h"
#include "tessera/cbor/cbor.h"
#include "tests/fdohost/folder.h"
#include "tests/fdohost/once.h"
#include "tests/fdohost/owner.h"

static folder here;
static tsr_info_bounds bounds;


static int make(void **state)
{
    (void)state;

    if (psa_crypto_init() != PSA_SUCCESS)
        return -1;
    tsr_host_log_level(TSR_LOG_ERROR);
    folder_make(&here);
    bounds = (tsr_info_bounds){ .root = here.root, .most_bytes = 5000,
                                .commands = { { "echo", "/bin/echo" }, { "cat", "/bin/cat" },
                                              { "sh", "/bin/sh" }, { "gone", "/no/such/program" } },
                                .command_count = 4, .command_ms = 20000, .command_output = 3000,
                                .wget_ms = 20000 };
    return 0;
}

static int clean(void **state)
{
    (void)state;
    folder_remove(&here);
    return 0;
}

static void expect_int(const tsr_info *i, const char *name, int64_t expected)
{
    uint8_t room[1300];
    tsr_buf value = tsr_buf_over(room, sizeof room);
    const char *message;
    tsr_bytes in;
    int64_t v;

    assert_int_equal(next(i, &message, &value), TSR_OK);
    assert_string_equal(message, name);
    in = tsr_buf_view(&value);
    assert_int_equal(tsr_cbor_get_int(&in, &v), TSR_OK);
    assert_int_equal(v, expected);
    assert_int_equal(next(i, &message, &value), TSR_END);
}

static tsr_buf hash_of(const char *v, uint8_t room[TSR_BENEATH_SHA384])
{
    tsr_buf out = tsr_buf_over(room, TSR_BENEATH_SHA384);

    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_384, (const uint8_t *)v, strlen(v), room,
                                      TSR_BENEATH_SHA384, &out.len),
                     PSA_SUCCESS);
    return out;
}

/* ---- fdo.download ---- */

static tsr_info_download download;

static void begin_download(tsr_info *i, const char *name, int64_t length, const char *hashed)
{
    uint8_t room[TSR_BENEATH_SHA384];
    tsr_buf hash;

    tsr_info_download_init(&download, &bounds, i);
    assert_int_equal(text(i, "name", name), TSR_OK);
    if (length >= 0)
        assert_int_equal(number(i, "length", length), TSR_OK);
    if (hashed != NULL) {
        hash = hash_of(hashed, room);
        assert_int_equal(bytes(i, "sha-384", tsr_buf_view(&hash)), TSR_OK);
    }
}

static void test_download_of_known_length(void **state)
{
    tsr_info i;

    (void)state;
    begin_download(&i, "sub/file", 6, "abcdef");
    assert_int_equal(bytes(&i, "data", tsr_text("abc")), TSR_OK);
    assert_true(folder_holds(&here, "root/sub/file", NULL));
    assert_int_equal(bytes(&i, "data", tsr_text("def")), TSR_OK);
    expect_int(&i, "done", 6);
    assert_true(folder_holds(&here, "root/sub/file", "abcdef"));
    /* another one with the same module */
    assert_int_equal(text(&i, "name", "second"), TSR_OK);
    assert_int_equal(bytes(&i, "data", tsr_text("x")), TSR_OK);
    assert_int_equal(bytes(&i, "data", tsr_text("")), TSR_OK);
    expect_int(&i, "done", 1);
    assert_true(folder_holds(&here, "root/second", "x"));
}

static void test_download_of_nothing(void **state)
{
    tsr_info i;

    (void)state;
    begin_download(&i, "empty", 0, "");
    expect_int(&i, "done", 0);
    assert_true(folder_holds(&here, "root/empty", ""));
}

static void test_download_fails_and_goes_on(void **state)
{
    static const char *const names[] = { "/etc/motd", "../secret", "sub/../../secret", "no/folder" };
    int before = folder_count(&here);
    tsr_info i;

    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        begin_download(&i, names[n], 3, NULL);
        assert_int_equal(bytes(&i, "data", tsr_text("abc")), TSR_OK);
        expect_int(&i, "done", -1);
    }
    begin_download(&i, "wrong", 3, "abd");
    assert_int_equal(bytes(&i, "data", tsr_text("abc")), TSR_OK);
    expect_int(&i, "done", -1);
    begin_download(&i, "longer", 3, NULL);
    assert_int_equal(bytes(&i, "data", tsr_text("abcd")), TSR_OK);
    expect_int(&i, "done", -1);
    assert_int_equal(bytes(&i, "data", tsr_text("more")), TSR_OK); /* passed over */
    assert_int_equal(folder_count(&here), before);
    assert_true(folder_holds(&here, "secret", "secret"));
    assert_int_equal(text(&i, "name", "next"), TSR_OK); /* what was told of the last one does not hold */
    assert_int_equal(bytes(&i, "data", tsr_text("abcd")), TSR_OK);
    assert_int_equal(bytes(&i, "data", tsr_text("")), TSR_OK);
    expect_int(&i, "done", 4);
    assert_true(folder_holds(&here, "root/next", "abcd"));
}

static void test_download_is_bounded(void **state)
{
    uint8_t block[1000] = { 0 };
    tsr_info i;

    (void)state;
    begin_download(&i, "flood", -1, NULL);
    for (int n = 0; n < 6; n++)
        assert_int_equal(bytes(&i, "data", tsr_view(block, sizeof block)), TSR_OK);
    expect_int(&i, "done", -1);
    assert_true(folder_holds(&here, "root/flood", NULL));
}

static void expect_done(const tsr_info *i, int64_t expected)
{
    uint8_t room[32];
    tsr_buf value = tsr_buf_over(room, sizeof room);
    const char *message;
    tsr_bytes in;
    int64_t v;

    assert_int_equal(next(i, &message, &value), TSR_OK);
    in = tsr_buf_view(&value);
    assert_int_equal(tsr_cbor_get_int(&in, &v), TSR_OK);
    assert_int_equal(v, expected);
}

/* What was told of a file that could not even be begun does not hold for the next one. */
static void test_download_goes_on_after_a_bad_name(void **state)
{
    tsr_info i;

    (void)state;
    begin_download(&i, "../secret", 2, "ab");
    assert_int_equal(bytes(&i, "data", tsr_text("ab")), TSR_OK);
    expect_int(&i, "done", -1);
    assert_int_equal(text(&i, "name", "after"), TSR_OK);
    assert_int_equal(bytes(&i, "data", tsr_text("abcd")), TSR_OK);
    assert_int_equal(bytes(&i, "data", tsr_text("")), TSR_OK);
    expect_int(&i, "done", 4);
    assert_true(folder_holds(&here, "root/after", "abcd"));
}

/* Files in a row, as several in one message are: an answer for each, in their order. */
static void test_download_of_files_in_a_row(void **state)
{
    char longest[550];
    tsr_info i;

    (void)state;
    begin_download(&i, "no/such/folder", 3, NULL);
    assert_int_equal(bytes(&i, "data", tsr_text("abc")), TSR_OK);
    assert_int_equal(text(&i, "name", "row"), TSR_OK);
    assert_int_equal(number(&i, "length", 4), TSR_OK);
    assert_int_equal(bytes(&i, "data", tsr_text("abcd")), TSR_OK);
    expect_done(&i, -1);
    expect_done(&i, 4);
    for (int n = 0; n < 15; n++)
        assert_int_equal(text(&i, "name", "../x"), TSR_OK);
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(text(&i, "name", "open"), TSR_OK);
    assert_int_equal(text(&i, "name", longest), TSR_OK); /* which gives up the one before */
    assert_int_equal(text(&i, "name", "../x"), TSR_E_STATE);
    assert_int_equal(number(&i, "length", 0), TSR_OK);
    for (int n = 0; n < 15; n++)
        expect_done(&i, -1);
    expect_int(&i, "done", -1);
    assert_true(folder_holds(&here, "root/open", NULL));
    i.drop(i.self);
}

static void test_download_refuses_nonsense(void **state)
{
    tsr_info i;

    (void)state;
    tsr_info_download_init(&download, &bounds, &i);
    assert_int_equal(bytes(&i, "data", tsr_text("abc")), TSR_E_STATE);
    assert_int_equal(number(&i, "name", 1), TSR_E_MALFORMED);
    assert_int_equal(text(&i, "data", "x"), TSR_E_MALFORMED);
    assert_int_equal(bytes(&i, "sha-384", tsr_text("short")), TSR_E_MALFORMED);
    assert_int_equal(number(&i, "length", -1), TSR_E_TYPE);
    assert_int_equal(number(&i, "other", 1), TSR_E_UNSUPPORTED);
    begin_download(&i, "left", 9, NULL);
    assert_int_equal(bytes(&i, "data", tsr_text("abc")), TSR_OK);
    i.drop(i.self); /* TO2 ended */
    assert_true(folder_holds(&here, "root/left", NULL));
}

/* ---- fdo.upload ---- */

static tsr_info_upload upload;

static void collect(const tsr_info *i, const char *name, tsr_buf *out)
{
    uint8_t room[1300];
    tsr_buf value = tsr_buf_over(room, sizeof room);
    const char *message;
    tsr_bytes in, part;

    do {
        assert_int_equal(next(i, &message, &value), TSR_OK);
        assert_string_equal(message, name);
        in = tsr_buf_view(&value);
        assert_int_equal(tsr_cbor_get_bytes(&in, &part), TSR_OK);
        tsr_put_bytes(out, part);
    } while (part.len == TSR_INFO_BLOCK);
}

static void upload_is(const char *name, const char *content)
{
    uint8_t room[1300], all[4096], hash[TSR_BENEATH_SHA384];
    tsr_buf value = tsr_buf_over(room, sizeof room), got = tsr_buf_over(all, sizeof all), want;
    const char *message;
    tsr_bytes in, part;
    uint64_t length;
    tsr_info i;

    tsr_info_upload_init(&upload, &bounds, &i);
    assert_int_equal(flag(&i, "need-sha", true), TSR_OK);
    assert_int_equal(text(&i, "name", name), TSR_OK);
    assert_int_equal(next(&i, &message, &value), TSR_OK);
    assert_string_equal(message, "length");
    in = tsr_buf_view(&value);
    assert_int_equal(tsr_cbor_get_uint(&in, &length), TSR_OK);
    assert_int_equal(length, strlen(content));
    collect(&i, "data", &got);
    assert_true(tsr_same(tsr_buf_view(&got), tsr_text(content)));
    assert_int_equal(next(&i, &message, &value), TSR_OK);
    assert_string_equal(message, "sha-384");
    in = tsr_buf_view(&value);
    assert_int_equal(tsr_cbor_get_bytes(&in, &part), TSR_OK);
    want = hash_of(content, hash);
    assert_true(tsr_same(part, tsr_buf_view(&want)));
    assert_int_equal(next(&i, &message, &value), TSR_END);
}

static void test_upload(void **state)
{
    char long_text[2501];

    (void)state;
    memset(long_text, 'y', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    folder_write(&here, "root/up", "some text");
    folder_write(&here, "root/up-empty", "");
    folder_write(&here, "root/sub/up-long", long_text);
    upload_is("up", "some text");
    upload_is("up-empty", "");
    upload_is("sub/up-long", long_text);
}

static void test_upload_refused(void **state)
{
    static const struct {
        const char *name;
        tsr_err err;
    } all[] = { { "../secret", TSR_E_DENIED }, { "/etc/passwd", TSR_E_DENIED },
                { "none", TSR_E_NOT_FOUND }, { "sub", TSR_E_DENIED }, { "huge", TSR_E_SPACE } };
    char path[256];
    tsr_info i;

    (void)state;
    folder_write(&here, "root/huge", "");
    folder_path(&here, "root/huge", path);
    assert_int_equal(truncate(path, 5001), 0);
    for (size_t n = 0; n < sizeof all / sizeof *all; n++) {
        const char *message;
        uint8_t room[64];
        tsr_buf value = tsr_buf_over(room, sizeof room);

        tsr_info_upload_init(&upload, &bounds, &i);
        assert_int_equal(text(&i, "name", all[n].name), all[n].err);
        assert_int_equal(next(&i, &message, &value), TSR_END);
        i.drop(i.self);
    }
}

/* ---- fdo.command ---- */

static tsr_info_command command;

static tsr_err run(tsr_info *i, const char *name, const char *const *args, size_t count, bool may_fail)
{
    uint8_t inner[600], outer[700];
    tsr_buf a = tsr_buf_over(inner, sizeof inner), b = tsr_buf_over(outer, sizeof outer);

    tsr_info_command_init(&command, &bounds, i);
    tsr_cbor_put_array(&a, count);
    for (size_t n = 0; n < count; n++)
        tsr_cbor_put_text(&a, tsr_text(args[n]));
    tsr_cbor_put_bytes(&b, tsr_buf_view(&a));
    assert_int_equal(text(i, "command", name), TSR_OK);
    assert_int_equal(put(i, "args", count % 2 ? &b : &a), TSR_OK); /* both forms are about */
    assert_int_equal(flag(i, "may_fail", may_fail), TSR_OK);
    assert_int_equal(flag(i, "return_stdout", true), TSR_OK);
    assert_int_equal(flag(i, "return_stderr", true), TSR_OK);
    b = tsr_buf_over(outer, sizeof outer);
    tsr_cbor_put_null(&b);
    return put(i, "execute", &b);
}

/* Everything that it says, until its exit code. */
static tsr_err outcome(const tsr_info *i, tsr_buf said[2], int64_t *code)
{
    uint8_t room[1300];
    tsr_buf value = tsr_buf_over(room, sizeof room);
    const char *message;
    tsr_bytes in, part;
    tsr_err err;

    while ((err = next(i, &message, &value)) == TSR_OK) {
        in = tsr_buf_view(&value);
        if (strcmp(message, "exitcode") == 0)
            return tsr_cbor_get_int(&in, code);
        assert_int_equal(tsr_cbor_get_bytes(&in, &part), TSR_OK);
        assert_true(part.len <= TSR_INFO_BLOCK);
        tsr_put_bytes(&said[strcmp(message, "stderr") == 0], part);
    }
    return err;
}

static int64_t run_is(const char *name, const char *const *args, size_t count, const char *out,
                      const char *errors)
{
    uint8_t room[2][4096];
    tsr_buf said[2] = { tsr_buf_over(room[0], sizeof *room), tsr_buf_over(room[1], sizeof *room) };
    int64_t code = -1;
    tsr_info i;

    assert_int_equal(run(&i, name, args, count, true), TSR_OK);
    assert_int_equal(outcome(&i, said, &code), TSR_OK);
    if (out != NULL)
        assert_true(tsr_same(tsr_buf_view(&said[0]), tsr_text(out)));
    if (errors != NULL)
        assert_true(tsr_same(tsr_buf_view(&said[1]), tsr_text(errors)));
    return code;
}

static void test_command_runs(void **state)
{
    const char *echo[] = { "a  b", "$HOME;`id`" }; /* no shell looks at these */
    const char *both[] = { "-c", "echo out; echo err >&2; exit 7" };
    const char *where[] = { "-c", "pwd; cat; echo ${PATH}${HOME}", "x" };
    char expected[256];

    (void)state;
    assert_int_equal(run_is("echo", echo, 2, "a  b $HOME;`id`\n", ""), 0);
    assert_int_equal(run_is("/bin/sh", both, 2, "out\n", "err\n"), 7);
    (void)snprintf(expected, sizeof expected, "%s\n/usr/sbin:/usr/bin:/sbin:/bin\n", here.root);
    assert_int_equal(run_is("sh", where, 3, expected, ""), 0);
}

static void test_command_that_is_not_listed(void **state)
{
    const char *args[] = { "x" };
    tsr_info i;

    (void)state;
    assert_int_equal(run_is("/bin/ls", args, 1, "", ""), 127);
    assert_int_equal(run_is("gone", args, 1, "", ""), 127);
    assert_int_equal(run(&i, "/bin/ls", args, 1, false), TSR_E_DENIED);
    i.drop(i.self);
}

static void test_command_that_must_not_fail(void **state)
{
    const char *args[] = { "-c", "exit 3" };
    uint8_t room[2][64];
    tsr_buf said[2] = { tsr_buf_over(room[0], 64), tsr_buf_over(room[1], 64) };
    int64_t code;
    tsr_info i;

    (void)state;
    assert_int_equal(run(&i, "sh", args, 2, false), TSR_OK);
    assert_int_equal(outcome(&i, said, &code), TSR_E_DENIED);
    i.drop(i.self);
    assert_int_equal(run(&i, "sh", args, 2, false), TSR_OK);
    assert_int_equal(text(&i, "command", "/bin/ls"), TSR_OK); /* not listed, while the other runs */
    assert_int_equal(outcome(&i, said, &code), TSR_E_DENIED);
    i.drop(i.self);
}

/* Its output is cut, not blocked; its time ends it, and what it left behind it. */
static void test_command_is_bounded(void **state)
{
    const char *much[] = { "-c", "i=0; while [ $i -lt 3000 ]; do echo 0123456789; i=$((i+1)); done" };
    const char *hang[] = { "-c", "sleep 1000 & sleep 1000" };
    uint8_t room[2][4096];
    tsr_buf said[2] = { tsr_buf_over(room[0], sizeof *room), tsr_buf_over(room[1], sizeof *room) };
    uint64_t before_ms = tsr_host_now_ms();
    int64_t code = -1;
    tsr_info i;

    (void)state;
    assert_int_equal(run(&i, "sh", much, 2, true), TSR_OK);
    assert_int_equal(outcome(&i, said, &code), TSR_OK);
    assert_int_equal(said[0].len, 3000);
    assert_int_equal(code, 0);
    bounds.command_ms = 200;
    assert_int_equal(run_is("sh", hang, 2, "", ""), 128 + 9);
    bounds.command_ms = 20000;
    assert_true(tsr_host_now_ms() - before_ms < 20000);
}

static void test_command_gets_a_signal(void **state)
{
    const char *args[] = { "-c", "sleep 1000" };
    uint8_t room[2][64];
    tsr_buf said[2] = { tsr_buf_over(room[0], 64), tsr_buf_over(room[1], 64) };
    int64_t code = -1;
    tsr_info i;

    (void)state;
    assert_int_equal(run(&i, "sh", args, 2, true), TSR_OK);
    assert_int_equal(number(&i, "sig", 0), TSR_E_MALFORMED);
    assert_int_equal(number(&i, "sig", 15), TSR_OK);
    assert_int_equal(outcome(&i, said, &code), TSR_OK);
    assert_int_equal(code, 128 + 15);
    assert_int_equal(number(&i, "sig", 9), TSR_OK); /* nobody there: nobody hurt */
}

static void test_command_refuses_nonsense(void **state)
{
    uint8_t room[64];
    tsr_buf b = tsr_buf_over(room, sizeof room);
    tsr_info i;

    (void)state;
    tsr_info_command_init(&command, &bounds, &i);
    assert_int_equal(number(&i, "command", 1), TSR_E_MALFORMED);
    assert_int_equal(text(&i, "args", "x"), TSR_E_MALFORMED);
    tsr_cbor_put_array(&b, TSR_CHILD_ARGS + 1);
    for (int n = 0; n <= TSR_CHILD_ARGS; n++)
        tsr_cbor_put_text(&b, tsr_text(""));
    assert_int_equal(put(&i, "args", &b), TSR_E_SPACE);
    b.len = 0;
    tsr_cbor_put_array(&b, 1);
    tsr_cbor_put_text(&b, tsr_view("a\0b", 3));
    assert_int_equal(put(&i, "args", &b), TSR_E_MALFORMED);
    assert_int_equal(number(&i, "other", 1), TSR_E_UNSUPPORTED);
    i.drop(i.self);
}

/* ---- fdo.wget, from a server that says one thing and ends ---- */

static tsr_info_wget wget;

static void wget_gives(const char *path, const char *name, const char *hashed, const char *answer,
                       const char *error, int64_t len)
{
    uint8_t room[1300], hash_room[TSR_BENEATH_SHA384];
    tsr_buf value = tsr_buf_over(room, sizeof room), hash;
    const char *message;
    char url[128];
    tsr_bytes in, v;
    tsr_info i;
    once s;

    once_begin(&s, answer, strlen(answer));
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u%s", s.port, path);
    tsr_info_wget_init(&wget, &bounds, &i);
    if (name != NULL)
        assert_int_equal(text(&i, "name", name), TSR_OK);
    if (hashed != NULL) {
        hash = hash_of(hashed, hash_room);
        assert_int_equal(bytes(&i, "sha-384", tsr_buf_view(&hash)), TSR_OK);
    }
    assert_int_equal(text(&i, "url", url), TSR_OK);
    if (error == NULL) {
        expect_int(&i, "done", len);
    } else {
        assert_int_equal(next(&i, &message, &value), TSR_OK);
        assert_string_equal(message, "error");
        in = tsr_buf_view(&value);
        assert_int_equal(tsr_cbor_get_text(&in, &v), TSR_OK);
        assert_true(tsr_same(v, tsr_text(error)));
    }
    i.drop(i.self);
    once_end(&s);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static void test_wget(void **state)
{
    (void)state;
    wget_gives("/a/b/fetched.txt?x=/y", NULL, "hello", OK, NULL, 5);
    assert_true(folder_holds(&here, "root/fetched.txt", "hello"));
    wget_gives("/", "sub/named", NULL, "HTTP/1.0 200 OK\r\n\r\nto the end", NULL, 10);
    assert_true(folder_holds(&here, "root/sub/named", "to the end"));
}

static void test_wget_fails(void **state)
{
    int before = folder_count(&here);

    (void)state;
    wget_gives("/x1", NULL, "other", OK, "another hash", 0);
    wget_gives("/x2", NULL, NULL, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
               "the server has no such file", 0);
    wget_gives("/x3", NULL, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
               "the transfer failed", 0);
    wget_gives("/x4", "../secret", NULL, OK, "the file cannot be written", 0);
    wget_gives("/", NULL, NULL, OK, "the file cannot be written", 0);
    assert_int_equal(folder_count(&here), before);
    assert_true(folder_holds(&here, "secret", "secret"));
}

static void test_wget_refuses_other_urls(void **state)
{
    static const char *const urls[][2] = { { "ftp://a/b", "no such URL" },
                                           { "file:///etc/passwd", "no such URL" },
                                           { "https://localhost/x", "cannot connect" } }; /* no anchors */
    uint8_t room[100];
    tsr_buf value = tsr_buf_over(room, sizeof room);
    const char *message;
    tsr_bytes in, v;
    tsr_info i;

    (void)state;
    for (size_t n = 0; n < sizeof urls / sizeof *urls; n++) {
        tsr_info_wget_init(&wget, &bounds, &i);
        assert_int_equal(text(&i, "url", urls[n][0]), TSR_OK);
        assert_int_equal(next(&i, &message, &value), TSR_OK);
        in = tsr_buf_view(&value);
        assert_int_equal(tsr_cbor_get_text(&in, &v), TSR_OK);
        assert_true(tsr_same(v, tsr_text(urls[n][1])));
        i.drop(i.self);
    }
}

/* The first failed at once, and nobody has heard of that yet. */
static void test_wget_takes_one_url_at_a_time(void **state)
{
    uint8_t room[100];
    tsr_buf value = tsr_buf_over(room, sizeof room);
    const char *message;
    tsr_info i;

    (void)state;
    tsr_info_wget_init(&wget, &bounds, &i);
    assert_int_equal(text(&i, "url", "ftp://a/b"), TSR_OK);
    assert_int_equal(text(&i, "url", "ftp://a/c"), TSR_E_STATE);
    assert_int_equal(next(&i, &message, &value), TSR_OK);
    assert_string_equal(message, "error");
    assert_int_equal(text(&i, "url", "ftp://a/c"), TSR_OK);
    i.drop(i.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_download_of_known_length),
        cmocka_unit_test(test_download_of_nothing),
        cmocka_unit_test(test_download_fails_and_goes_on),
        cmocka_unit_test(test_download_goes_on_after_a_bad_name),
        cmocka_unit_test(test_download_is_bounded),
        cmocka_unit_test(test_download_of_files_in_a_row),
        cmocka_unit_test(test_download_refuses_nonsense),
        cmocka_unit_test(test_upload),
        cmocka_unit_test(test_upload_refused),
        cmocka_unit_test(test_command_runs),
        cmocka_unit_test(test_command_that_is_not_listed),
        cmocka_unit_test(test_command_that_must_not_fail),
        cmocka_unit_test(test_command_is_bounded),
        cmocka_unit_test(test_command_gets_a_signal),
        cmocka_unit_test(test_command_refuses_nonsense),
        cmocka_unit_test(test_wget),
        cmocka_unit_test(test_wget_fails),
        cmocka_unit_test(test_wget_refuses_other_urls),
        cmocka_unit_test(test_wget_takes_one_url_at_a_time),
    };

    return cmocka_run_group_tests(tests, make, clean);
}
