/* The daemon's lock file, and the status file that shells wait for. */
#define _GNU_SOURCE
#include <setjmp.h>

#include "../../../native/say.h"

static jmp_buf refused;

static _Noreturn void refuse(int exit_code, const char *message, const char *cure) {
    (void)exit_code, (void)message, (void)cure;
    longjmp(refused, 1);
}

static _Noreturn void refuse_about(int exit_code, const char *about, const char *message, const char *cure) {
    (void)about;
    refuse(exit_code, message, cure);
}

#define fail refuse
#define fail_about refuse_about
#include "../../../native/places.c"
#undef fail
#undef fail_about

#include "../../../native/watch.c"

#include "fuzz.h"

void fuzz_lock_file(struct input input) {
    static char socket_path[PATH_MAX];
    const char *path = write_file("/daemon.lock", input);
    if (setjmp(refused) != 0 || !read_lock_file(path, socket_path, sizeof socket_path)) return;
    CHECK(socket_path[0] == '/' && strlen(socket_path) == input.length - 1 && input.at[input.length - 1] == '\n');
}

void fuzz_status_file(struct input input) {
    static struct watch watch;
    watch = (struct watch){.lock_watch = -1, .run_watch = -1};
    for (int kind = 0; kind < WAITED; kind += 1) watch.waited[kind] = (struct pollfd){.fd = -1, .events = POLLIN};
    write_file("/status", input);
    watch.state = fuzz_folder();
    CHECK((size_t)snprintf(watch.run, sizeof watch.run, "%s", fuzz_folder()) < sizeof watch.run);
    bool news = read_status(&watch);
    CHECK(!read_status(&watch) || !news);
    write_file("/daemon.lock", input);
    find_run_folder(&watch);
    CHECK(watch.run[0] == '/');
    if (watch.waited[DAEMON].fd >= 0) close(watch.waited[DAEMON].fd);
}
