/*
 * The user database, as far as it is in /etc/passwd. An account that may be elsewhere (LDAP, a directory of
 * systemd's) is left to the same program with the whole C library, which lies beside this one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"

/* One line of a file after another. */
struct lines {
    int fd;
    size_t begun;
    size_t filled;
    char bytes[4096];
};

/* The next line without its end; NULL after the last, and at one that is too long to be understood. */
static char *next_line(struct lines *lines) {
    for (;;) {
        char *line = lines->bytes + lines->begun;
        char *end = memchr(line, '\n', lines->filled - lines->begun);
        if (end != NULL) {
            *end = '\0';
            lines->begun = (size_t)(end + 1 - lines->bytes);
            return line;
        }
        lines->filled -= lines->begun;
        for (size_t at = 0; at < lines->filled; at += 1) lines->bytes[at] = line[at];
        lines->begun = 0;
        ssize_t got = read(lines->fd, lines->bytes + lines->filled, sizeof lines->bytes - lines->filled);
        if (got <= 0) return NULL;
        lines->filled += (size_t)got;
    }
}

static bool open_lines(struct lines *lines, const char *path) {
    lines->fd = open(path, O_RDONLY | O_CLOEXEC);
    lines->begun = 0;
    lines->filled = 0;
    return lines->fd >= 0;
}

/* Cuts the line at its next colon. */
static char *take_field(char **line) {
    char *field = *line;
    char *end = field;
    while (*end != '\0' && *end != ':') end += 1;
    *line = *end == ':' ? end + 1 : end;
    *end = '\0';
    return field;
}

static bool is_number(const char *text, uid_t number) {
    unsigned long read = 0;
    if (*text == '\0') return false;
    for (; *text >= '0' && *text <= '9' && read <= UINT_MAX; text += 1) read = read * 10 + (unsigned)(*text - '0');
    return *text == '\0' && read == number;
}

/* Is /etc/passwd the first place to be asked? Where nothing says otherwise, it is (nsswitch.conf(5)). */
static bool files_come_first(struct lines *lines) {
    static const char name[] = "passwd:";
    bool first = true;
    if (!open_lines(lines, "/etc/nsswitch.conf")) return true;
    for (char *line; (line = next_line(lines)) != NULL;) {
        while (*line == ' ' || *line == '\t') line += 1;
        if (strncmp(line, name, sizeof name - 1) != 0) continue;
        line += sizeof name - 1;
        while (*line == ' ' || *line == '\t') line += 1;
        first = strncmp(line, "files", 5) == 0 || strncmp(line, "compat", 6) == 0;
    }
    close(lines->fd);
    return first;
}

static struct passwd *find_in_file(struct lines *lines, uid_t uid) {
    static struct passwd found;
    if (!open_lines(lines, "/etc/passwd")) return NULL;
    for (char *line; (line = next_line(lines)) != NULL;) {
        /* name:password:UID:GID:comment:directory:shell, passwd(5) */
        found = (struct passwd){.pw_name = take_field(&line), .pw_passwd = take_field(&line), .pw_uid = uid};
        if (!is_number(take_field(&line), uid)) continue;
        (void)take_field(&line);
        found.pw_gecos = take_field(&line);
        found.pw_dir = take_field(&line);
        close(lines->fd);
        return &found;
    }
    close(lines->fd);
    return NULL;
}

struct passwd *getpwuid(uid_t uid) {
    static struct lines lines;
    struct passwd *found = files_come_first(&lines) ? find_in_file(&lines, uid) : NULL;
    if (found == NULL) become_twin();
    return found;
}
