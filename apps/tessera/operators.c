/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera operators: makes the token of an operator, and the line of the server's token file that knows it by its
 * digest. Needs no server. */
#include <errno.h>
#include <getopt.h>
#include <psa/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apps/tessera/tessera.h"
#include "tessera/base/hex.h"

static const char help[] =
    "tessera operators: who may use a server\n"
    "\n"
    "usage:\n"
    "  tessera operators new NAME full|read --out FILE\n"
    "\n"
    "new makes a token and puts it into FILE (mode 0600), for the operator: tessera --token-file FILE, or the field\n"
    "of the console. It prints the line for the server's token file, which has the token's digest alone:\n"
    "\n"
    "  tessera operators new anna full --out anna.token >> operators\n"
    "\n"
    "tessera-server reads its token file at its start and at SIGHUP. Who is not in it any more is shut out then,\n"
    "with the event streams that are open; a file with a mistake changes nothing, and the log says where it is.\n"
    "\n"
    "  --out FILE   the token; a file that is there already is left alone\n"
    "\n"
    "exit codes:\n"
    "  0  done\n"
    "  1  the command line is wrong\n"
    "  2  FILE cannot be written\n"
    "  5  anything else\n";

enum { DONE = 0, USAGE = 1, NO_FILE = 2, FAILED = 5 };
enum { RANDOM = 32, NAME_MAX_LEN = 32 };

/* Scanners for secrets that were published find tokens by their first letters. */
static const char mark[] = "tsr_";

enum { TOKEN_LEN = sizeof mark - 1 + 2 * RANDOM, DIGITS = 64 };

static int say(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int say(int code, const char *format, ...)
{
    va_list args;

    (void)fputs("tessera operators: ", stderr);
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return code;
}

/* As the server takes it (server/rest/guard.h). */
static bool name_is_good(const char *name)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";
    size_t n = strlen(name);

    return n >= 1 && n <= NAME_MAX_LEN && strspn(name, good) == n;
}

/* The token with a line's end behind it, and its digest as digits. */
static bool make(char token[TOKEN_LEN + 1], char digits[DIGITS + 1])
{
    uint8_t random[RANDOM], digest[32];
    tsr_buf text = tsr_buf_over(token, TOKEN_LEN), hex = tsr_buf_over(digits, DIGITS);
    size_t len;
    bool good = psa_crypto_init() == PSA_SUCCESS && psa_generate_random(random, sizeof random) == PSA_SUCCESS;

    tsr_put_text(&text, mark);
    tsr_hex_put(&text, tsr_view(random, sizeof random));
    tsr_wipe(random, sizeof random);
    good = good && psa_hash_compute(PSA_ALG_SHA_256, text.ptr, text.len, digest, sizeof digest, &len) == PSA_SUCCESS;
    tsr_hex_put(&hex, tsr_view(digest, sizeof digest));
    token[TOKEN_LEN] = '\n';
    digits[DIGITS] = '\0';
    return good && text.err == TSR_OK && hex.err == TSR_OK;
}

/* The file first: a line whose token nobody has would be worth nothing. */
static int new_token(const char *name, const char *role, const char *path)
{
    char token[TOKEN_LEN + 1], digits[DIGITS + 1];
    int code;

    if (!name_is_good(name))
        return say(USAGE, "a name has 1 to 32 letters, digits and ._@-");
    if (strcmp(role, "full") != 0 && strcmp(role, "read") != 0)
        return say(USAGE, "a role is full or read");
    if (path == NULL)
        return say(USAGE, "new takes --out FILE, which gets the token");
    if (!make(token, digits))
        code = say(FAILED, "no random numbers");
    else
        code = write_secret("operators", path, tsr_view(token, sizeof token), "token") ? DONE : NO_FILE;
    tsr_wipe(token, sizeof token);
    if (code != DONE)
        return code;
    (void)printf("%s %s sha256:%s\n", name, role, digits);
    if (fflush(stdout) == 0)
        return DONE;
    (void)unlink(path);
    return say(NO_FILE, "the line cannot be written: %s", strerror(errno));
}

int tool_operators(int argc, char **argv)
{
    static const struct option words[] = { { "out", required_argument, NULL, 'o' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    const char *path = NULL;
    int which;

    while ((which = getopt_long(argc, argv, "h", words, NULL)) != -1) {
        if (which == 'h') {
            (void)fputs(help, stdout);
            return DONE;
        }
        if (which != 'o')
            return say(USAGE, "see tessera operators --help");
        path = optarg;
    }
    if (argc - optind == 3 && strcmp(argv[optind], "new") == 0)
        return new_token(argv[optind + 1], argv[optind + 2], path);
    (void)fputs(help, stderr);
    return USAGE;
}
