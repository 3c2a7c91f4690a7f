/* Where libFuzzer, or driver.c in its place, comes in. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

static const struct {
    const char *name;
    void (*run)(struct input input);
} readers[] = {
    {"reply", fuzz_reply},         {"reaper", fuzz_reaper},       {"news", fuzz_news},
    {"screen", fuzz_screen},       {"terminal", fuzz_terminal},   {"said", fuzz_said},
    {"exec-info", fuzz_exec_info}, {"foreign", fuzz_foreign},     {"lock-file", fuzz_lock_file},
    {"status-file", fuzz_status_file}, {"proc", fuzz_proc},
};

static void (*chosen)(struct input input);

static const char *variable(const char *name) {
    const char *value = getenv(name);
    if (value != NULL) return value;
    fprintf(stderr, "%s is not set\n", name);
    exit(64);
}

const char *fuzz_folder(void) {
    return variable("KUBEGUARD_FUZZ_FOLDER");
}

uint8_t take_byte(struct input *input) {
    if (input->length == 0) return 0;
    uint8_t first = input->at[0];
    input->at += 1;
    input->length -= 1;
    return first;
}

char *copy_text(struct input input) {
    char *text = malloc(input.length + 1);
    CHECK(text != NULL);
    if (input.length > 0) memcpy(text, input.at, input.length);
    text[input.length] = '\0';
    return text;
}

struct line open_line(void) {
    int pair[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    return (struct line){.ours = pair[0], .other = pair[1]};
}

void say_all(int fd, struct input input) {
    CHECK(send(fd, input.at, input.length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)input.length);
}

const char *write_file(const char *name, struct input input) {
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", fuzz_folder(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, input.at, input.length) == (ssize_t)input.length);
    close(fd);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t length) {
    const char *name = chosen == NULL ? variable("KUBEGUARD_FUZZ") : NULL;
    for (size_t index = 0; name != NULL && index < sizeof readers / sizeof readers[0]; index += 1) {
        if (strcmp(readers[index].name, name) == 0) chosen = readers[index].run;
    }
    CHECK(chosen != NULL);
    chosen((struct input){.at = at, .length = length});
    return 0;
}
