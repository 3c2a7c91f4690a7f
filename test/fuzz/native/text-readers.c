/* What is said to a person, and what client-go says to a plugin. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int said_fd = -1;
#undef STDERR_FILENO
#define STDERR_FILENO said_fd
#include "../../../native/say.c"

#include "../../../native/exec-info.h"
#include "fuzz.h"

enum { LONGEST = 16384 };

/* Nothing that steers a terminal, hides what is said, or is no UTF-8. `at` is followed by a NUL. */
static size_t check_character(const uint8_t *at) {
    if (at[0] < 0x80) {
        CHECK(at[0] >= 0x20 && at[0] != 0x7f);
        return 1;
    }
    size_t bytes = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    uint32_t code = at[0] & (0xffu >> (bytes + 1));
    CHECK(at[0] >= 0xc2 && at[0] < 0xf5);
    for (size_t index = 1; index < bytes; index += 1) {
        CHECK((at[index] & 0xc0) == 0x80);
        code = code << 6 | (at[index] & 0x3f);
    }
    CHECK(code >= 0xa0 && code != 0x61c && code != 0x200e && code != 0x200f);
    CHECK(!(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069));
    return bytes;
}

void fuzz_said(struct input input) {
    static const char prefix[] = "kubeguard: ";
    static uint8_t said[2 * LONGEST + 64];
    bool one_line = take_byte(&input) % 2 == 1;
    if (input.length > LONGEST) input.length = LONGEST;
    if (said_fd < 0) said_fd = memfd_create("said", MFD_CLOEXEC);
    CHECK(ftruncate(said_fd, 0) == 0 && lseek(said_fd, 0, SEEK_SET) == 0);
    say_in_one_line(one_line);
    say_text((const char *)input.at, input.length);
    ssize_t length = pread(said_fd, said, sizeof said - 1, 0);
    CHECK(length >= 0);
    said[length] = '\0';
    if (length == 0) return;
    CHECK(strncmp((const char *)said, prefix, sizeof prefix - 1) == 0 && said[length - 1] == '\n');
    for (size_t at = 0; at < (size_t)length;) {
        bool line_end = said[at] == '\n';
        CHECK(!line_end || !one_line || at == (size_t)length - 1);
        at += line_end ? 1 : check_character(said + at);
    }
}

void fuzz_exec_info(struct input input) {
    char *text = copy_text(input);
    const char *version = exec_info_version(text);
    CHECK(strcmp(version, "v1") == 0 || strcmp(version, "v1beta1") == 0);
    free(text);
}
