/* The same program with the whole C library lies beside this one, for what is done here seldom or slowly. */
#define _GNU_SOURCE
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "../watch.h"
#include "bare.h"

extern char **environ;

void become_twin(void) {
    static const char name[] = "/kubeguard-native-libc";
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0 || (size_t)length >= sizeof path) return;
    path[length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL || (size_t)(slash - path) + sizeof name > sizeof path) return;
    memcpy(slash, name, sizeof name);
    execve(path, bare_arguments(), environ);
}

/* It starts once per shell. */
int run_watch(int argc, char *argv[]) {
    (void)argc;
    (void)argv;
    become_twin();
    return 127;
}
