#define _GNU_SOURCE
#include "say.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol.h"

/* A message and its cure, each at its limit, and what we put around them. */
static char line[KG_ERROR_MESSAGE_MAX + KG_ERROR_CURE_MAX + 64];
static size_t filled;
static bool one_line_only;

void say_in_one_line(bool one_line) {
    one_line_only = one_line;
}

static void append(const char *bytes, size_t length) {
    if (length > sizeof line - filled) length = sizeof line - filled;
    memcpy(line + filled, bytes, length);
    filled += length;
}

/*
 * Of three bytes or four: written as short as it can be, no half of a UTF-16 pair, and not past U+10FFFF (RFC 3629, 4). A
 * lenient terminal may see an ESC in what is written longer.
 */
static bool is_shortest(const uint8_t *at) {
    if (at[0] == 0xe0) return at[1] >= 0xa0;
    if (at[0] == 0xed) return at[1] < 0xa0;
    if (at[0] == 0xf0) return at[1] >= 0x90;
    return at[0] != 0xf4 || at[1] < 0x90;
}

/* How many bytes the UTF-8 character at `at` has, or 0 where there is none (RFC 3629). */
static size_t character_bytes(const uint8_t *at, size_t left) {
    size_t bytes = 0;
    if (at[0] < 0x80) bytes = 1;
    else if (at[0] >= 0xc2 && at[0] < 0xe0) bytes = 2;
    else if (at[0] >= 0xe0 && at[0] < 0xf0) bytes = 3;
    else if (at[0] >= 0xf0 && at[0] < 0xf5) bytes = 4;
    if (bytes > left) return 0;
    for (size_t next = 1; next < bytes; next += 1) {
        if ((at[next] & 0xc0) != 0x80) return 0;
    }
    return bytes > 2 && !is_shortest(at) ? 0 : bytes;
}

/*
 * C0, DEL, C1 and the marks that turn the direction of text: none may steer a terminal or hide what is
 * said.
 */
static bool is_control(const uint8_t *at, size_t bytes) {
    if (bytes == 1) return at[0] < 0x20 || at[0] == 0x7f;
    if (bytes == 2) return (at[0] == 0xc2 && at[1] < 0xa0) || (at[0] == 0xd8 && at[1] == 0x9c);
    if (bytes != 3 || at[0] != 0xe2) return false;
    if (at[1] == 0x80) return at[2] == 0x8e || at[2] == 0x8f || (at[2] >= 0xa8 && at[2] <= 0xae);
    return at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9;
}

/*
 * As src/domain/plain-text.ts: a run of control characters becomes one space. Bytes that are no UTF-8 are
 * controls.
 */
static void append_clean(const char *text, size_t length) {
    const uint8_t *at = (const uint8_t *)text;
    bool in_controls = false;
    while (length > 0) {
        size_t bytes = character_bytes(at, length);
        bool line_end = at[0] == '\n';
        bool control = !line_end && (bytes == 0 || is_control(at, bytes));
        if (line_end) append(one_line_only ? "; " : "\n", one_line_only ? 2 : 1);
        else if (!control) append((const char *)at, bytes);
        else if (!in_controls) append(" ", 1);
        in_controls = control;
        at += bytes > 0 ? bytes : 1;
        length -= bytes > 0 ? bytes : 1;
    }
}

bool may_write_on(int fd) {
    if (errno == EINTR) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    struct pollfd output = {.fd = fd, .events = POLLOUT};
    return poll(&output, 1, KG_LIMIT_REPLY_TIMEOUT_MS) > 0;
}

static void flush(void) {
    if (filled > sizeof line - 1) filled = sizeof line - 1;
    line[filled] = '\n';
    filled += 1;
    for (size_t written = 0; written < filled;) {
        ssize_t count = write(STDERR_FILENO, line + written, filled - written);
        if (count > 0) written += (size_t)count;
        else if (!may_write_on(STDERR_FILENO)) break;
    }
    filled = 0;
}

void say_text(const char *text, size_t length) {
    static const char prefix[] = "kubeguard: ";
    size_t prefix_length = sizeof prefix - 1;
    while (length > 0 && text[length - 1] == '\n') length -= 1;
    if (length == 0) return;
    if (length < prefix_length || memcmp(text, prefix, prefix_length) != 0) append(prefix, prefix_length);
    append_clean(text, length);
    flush();
}

void fail_about(int exit_code, const char *about, const char *message, const char *cure) {
    append("kubeguard: ", 11);
    append_clean(about, strlen(about));
    append_clean(message, strlen(message));
    append_clean("\n", 1);
    append_clean(cure, strlen(cure));
    flush();
    exit(exit_code);
}

void fail(int exit_code, const char *message, const char *cure) {
    fail_about(exit_code, "", message, cure);
}
