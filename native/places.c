#define _GNU_SOURCE
#include "places.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol.h"
#include "say.h"

enum { OTHERS = 077 };

/* Writes one text after another. False where they don't fit. */
static bool join(char *out, size_t size, const char *first, const char *second, const char *third) {
    size_t lengths[] = {strlen(first), strlen(second), strlen(third)};
    if (lengths[0] + lengths[1] + lengths[2] >= size) return false;
    memcpy(out, first, lengths[0]);
    memcpy(out + lengths[0], second, lengths[1]);
    memcpy(out + lengths[0] + lengths[1], third, lengths[2] + 1);
    return true;
}

/* The cures name the place: who reads them can copy the line. */
static _Noreturn void fail_unsafe(const char *path, const char *wrong, const char *command) {
    static char run[64];
    static char cure[PATH_MAX + sizeof run];
    bool fits = command != NULL && join(run, sizeof run, "run: ", command, " ");
    fits = fits && join(cure, sizeof cure, run, path, "");
    fail_about(KG_EXIT_PLACE_UNSAFE, path, wrong, fits ? cure : KG_CURE_PLACE_UNSAFE);
}

/* Under sudo(8) nothing is wrong with the place: it is the caller's, and so are its sessions. */
static _Noreturn void fail_foreign(const char *path, const char *wrong) {
    if (getenv("SUDO_UID") != NULL) {
        fail_about(KG_EXIT_PLACE_UNSAFE, path, wrong, "run it without sudo: a session is one account’s alone");
    }
    fail_unsafe(path, wrong, NULL);
}

static void check_owner(const char *path, const struct stat *facts, const char *cure) {
    if (facts->st_uid != getuid()) fail_foreign(path, " belongs to another user");
    if ((facts->st_mode & OTHERS) != 0) fail_unsafe(path, " is open to other users", cure);
}

/* A folder that is not there holds nothing: false. A link to a folder is one of ours if we made it. */
static bool check_folder(const char *path) {
    struct stat facts;
    if (lstat(path, &facts) != 0) return false;
    if (S_ISLNK(facts.st_mode)) {
        if (facts.st_uid != getuid()) fail_unsafe(path, " is a link made by another user", NULL);
        if (stat(path, &facts) != 0) return false;
    }
    if (!S_ISDIR(facts.st_mode)) fail_unsafe(path, " is not a folder", "rm");
    check_owner(path, &facts, "chmod 700");
    return true;
}

/* The account's home is from the user database, so that every environment meets the same daemon. */
static void find_state_folder(char *path, size_t size) {
    const char *moved = getenv("KUBEGUARD_HOME");
    bool fits;
    if (moved != NULL && moved[0] != '\0') {
        if (moved[0] != '/') {
            fail(KG_EXIT_USAGE, "KUBEGUARD_HOME is not an absolute path",
                 "set KUBEGUARD_HOME to an absolute path, or unset it");
        }
        fits = join(path, size, moved, "/state", "");
    } else {
        const struct passwd *account = getpwuid(getuid());
        if (account == NULL || account->pw_dir == NULL || account->pw_dir[0] != '/') {
            fail(KG_EXIT_PLACE_UNSAFE, "the user database names no home for this account",
                 "set KUBEGUARD_HOME to a folder of yours");
        }
        fits = join(path, size, account->pw_dir, "/.local/state/kubeguard", "");
    }
    if (!fits) {
        fail(KG_EXIT_USAGE, "the path of the state folder is too long", "set KUBEGUARD_HOME to a shorter path");
    }
}

/* The content of the lock file: the socket's path and a line end. False while no daemon has written it. */
static bool read_lock_file(const char *path, char *socket_path, size_t size) {
    /* O_NONBLOCK: a FIFO in the file's place must not hang us. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return false;
    if (fd < 0) fail_unsafe(path, errno == ELOOP ? " is a link" : " can’t be opened", NULL);
    struct stat facts;
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) fail_unsafe(path, " is not a plain file", "rm");
    check_owner(path, &facts, "chmod 600");
    ssize_t length;
    do length = read(fd, socket_path, size);
    while (length < 0 && errno == EINTR);
    close(fd);
    if (length <= 0) return false;
    if ((size_t)length == size) fail_unsafe(path, " names no socket", "rm");
    if (socket_path[length - 1] != '\n') return false;
    socket_path[length - 1] = '\0';
    bool has_nul = strlen(socket_path) != (size_t)length - 1;
    if (socket_path[0] != '/' || has_nul) fail_unsafe(path, " names no socket", "rm");
    return true;
}

int above_standard(int fd) {
    if (fd < 0 || fd > STDERR_FILENO) return fd;
    int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return above;
}

static bool is_ours(int fd) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == getuid();
}

int connect_own(const char *path) {
    static char folder[sizeof ((struct sockaddr_un *)NULL)->sun_path];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bool fits = path[0] == '/' && strlen(path) < sizeof address.sun_path;
    if (!fits) fail_unsafe(path, " can’t be a socket’s path", NULL);
    memcpy(address.sun_path, path, strlen(path) + 1);
    size_t length = (size_t)(strrchr(path, '/') - path);
    memcpy(folder, path, length == 0 ? 1 : length);
    folder[length == 0 ? 1 : length] = '\0';
    struct stat facts;
    if (!check_folder(folder) || lstat(path, &facts) != 0) return -1;
    if (!S_ISSOCK(facts.st_mode)) fail_unsafe(path, " is not a socket", "rm");
    if (facts.st_uid != getuid()) fail_foreign(path, " belongs to another user");

    int fd = above_standard(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd < 0) return -1;
    /* connect(2) waits while the listener's queue is full, for as long as sending may take. */
    struct timeval limit = {.tv_sec = KG_LIMIT_REPLY_TIMEOUT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int connected;
    do connected = connect(fd, (const struct sockaddr *)&address, sizeof address);
    while (connected != 0 && errno == EINTR);
    if (connected != 0) {
        close(fd);
        return -1;
    }
    if (!is_ours(fd)) fail_foreign(path, " is served by another user");
    return fd;
}

static bool find_daemon(char *socket_path, size_t size) {
    static char folder[PATH_MAX];
    static char lock_file[PATH_MAX + sizeof "/daemon.lock"];
    find_state_folder(folder, sizeof folder);
    return check_folder(folder) && join(lock_file, sizeof lock_file, folder, "/daemon.lock", "") &&
           read_lock_file(lock_file, socket_path, size);
}

int connect_daemon(void) {
    static char socket_path[PATH_MAX];
    return find_daemon(socket_path, sizeof socket_path) ? connect_own(socket_path) : -1;
}

/* The keepers' folder is beside the daemon's socket. A name with a slash would lead out of it. */
int connect_keeper(const char *policy) {
    static char socket_path[PATH_MAX];
    static char path[sizeof ((struct sockaddr_un *)NULL)->sun_path];
    static char folder[sizeof path];
    if (policy[0] == '.' || strrchr(policy, '/') != NULL || !find_daemon(socket_path, sizeof socket_path)) return -1;
    *strrchr(socket_path, '/') = '\0';
    bool fits = join(folder, sizeof folder, socket_path, "/keepers/", policy);
    return fits && join(path, sizeof path, folder, ".open", "") ? connect_own(path) : -1;
}

/* This binary is <root>/dist/native/kubeguard-native, under whatever name and link it was called. */
bool find_launcher(char *path, size_t size) {
    static const char launcher[] = "/bin/kubeguard";
    ssize_t length = readlink("/proc/self/exe", path, size);
    if (length <= 0 || (size_t)length >= size) return false;
    path[length] = '\0';
    for (int steps = 0; steps < 3; steps += 1) {
        char *slash = strrchr(path, '/');
        if (slash == NULL) return false;
        *slash = '\0';
    }
    size_t root = strlen(path);
    if (root + sizeof launcher > size) return false;
    memcpy(path + root, launcher, sizeof launcher);
    return true;
}
