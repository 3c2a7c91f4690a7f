#define _GNU_SOURCE
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs.h"

enum { STAT_BYTES = 1024, COMMAND_BYTES = 16384, NAME_BYTES = 256 };

static struct process table[MOST_PROCESSES];
static size_t filled;

/* Up to `size - 1` bytes of /proc/PID/FILE, with a NUL behind them; -1 where it can't be read. */
static ssize_t read_proc_file(pid_t pid, const char *file, char *bytes, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t length = 0;
    ssize_t got = 0;
    while (length < size - 1 && (got = read(fd, bytes + length, size - 1 - length)) > 0) length += (size_t)got;
    close(fd);
    if (got < 0) return -1;
    bytes[length] = '\0';
    return (ssize_t)length;
}

/* The name stands in parentheses and may itself hold blanks and parentheses: it ends at the last one. */
static bool parse_stat(const char *line, struct process *found) {
    const char *name_end = strrchr(line, ')');
    if (name_end == NULL || name_end[1] != ' ') return false;
    int parent, group, session, terminal, foreground;
    unsigned long long start;
    char state;
    int fields = sscanf(name_end + 2,
                        "%c %d %d %d %d %d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
                        &parent, &group, &session, &terminal, &foreground, &start);
    if (fields != 7) return false;
    *found = (struct process){
        .start = start,
        .pid = (pid_t)strtol(line, NULL, 10),
        .parent = parent,
        .group = group,
        .session = session,
        .foreground = foreground,
        .terminal = terminal,
        .state = state,
    };
    return true;
}

bool read_process(pid_t pid, struct process *found) {
    char line[STAT_BYTES];
    return pid > 0 && read_proc_file(pid, "stat", line, sizeof line) > 0 && parse_stat(line, found);
}

bool has_ended(const struct process *process) {
    return process->state == 'Z' || process->state == 'X' || process->state == 'x';
}

bool is_stopped(const struct process *process) {
    return process->state == 'T' || process->state == 't';
}

static int by_pid(const void *one, const void *other) {
    pid_t left = ((const struct process *)one)->pid;
    pid_t right = ((const struct process *)other)->pid;
    return (left > right) - (left < right);
}

size_t scan_processes(const struct process **found) {
    filled = 0;
    bool ordered = true;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || filled == MOST_PROCESSES) continue;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (!read_process(pid, &table[filled])) continue;
        ordered = ordered && (filled == 0 || table[filled - 1].pid < pid);
        filled += 1;
    }
    if (folder != NULL) closedir(folder);
    if (!ordered) qsort(table, filled, sizeof table[0], by_pid);
    *found = table;
    return filled;
}

const struct process *find_process(pid_t pid) {
    struct process wanted = {.pid = pid};
    return bsearch(&wanted, table, filled, sizeof table[0], by_pid);
}

static bool is_listed(const char *const list[], const char *name) {
    for (size_t index = 0; list[index] != NULL; index += 1) {
        if (strcmp(list[index], name) == 0) return true;
    }
    return false;
}

/* Does the rest of the name look like a version: -?\d+(\.\d+)* */
static bool is_version(const char *at) {
    if (*at == '-') at += 1;
    for (;;) {
        if (!isdigit((unsigned char)*at)) return false;
        while (isdigit((unsigned char)*at)) at += 1;
        if (*at == '\0') return true;
        if (*at != '.') return false;
        at += 1;
    }
}

/* `screen-4.9.0`, `zsh-5.9`, `bash5`: executables may carry a version. */
static bool is_one_of(const char *const list[], const char *program) {
    char plain[NAME_BYTES];
    if (is_listed(list, program)) return true;
    snprintf(plain, sizeof plain, "%s", program[0] == '-' ? program + 1 : program);
    for (size_t index = 0; plain[index] != '\0'; index += 1) {
        if (!is_version(plain + index)) continue;
        plain[index] = '\0';
        break;
    }
    return is_listed(list, plain);
}

static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

bool is_supervisor(pid_t pid) {
    static const char name[] = "/kubeguard-supervisor";
    char path[64];
    char ours[PATH_MAX + sizeof name];
    char found[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t length = readlink(path, found, sizeof found - 1);
    ssize_t own = readlink("/proc/self/exe", ours, PATH_MAX);
    if (length < 0 || own < 0 || own == PATH_MAX) return false;
    found[length] = '\0';
    ours[own] = '\0';
    char *slash = strrchr(ours, '/');
    if (slash == NULL) return false;
    memcpy(slash, name, sizeof name);
    return strcmp(found, ours) == 0;
}

/* Base name of the executable. False where it may not be read. */
static bool read_executable(pid_t pid, char *name, size_t size) {
    static const char deleted[] = " (deleted)";
    char path[64];
    char target[PATH_MAX];
    snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0) return false;
    target[length] = '\0';
    size_t tail = sizeof deleted - 1;
    if ((size_t)length > tail && strcmp(target + length - tail, deleted) == 0) target[(size_t)length - tail] = '\0';
    snprintf(name, size, "%s", base_of(target));
    return true;
}

static bool stands_for_many(const char *name) {
    return starts_with(name, "busybox") || starts_with(name, "toybox") || starts_with(name, "coreutils");
}

/*
 * As src/platform/processes/inspect.ts. Daemons write their state into argv[0], after a colon: `sshd: me@pts/3`,
 * `tmux: server`.
 */
static void program_of(pid_t pid, const char *command, char *name, size_t size) {
    char title[NAME_BYTES];
    bool known = read_executable(pid, name, size);
    if (known && !stands_for_many(name)) return;
    snprintf(title, sizeof title, "%s", command);
    title[strcspn(title, ": \t\n")] = '\0';
    const char *base = base_of(title);
    if (base[0] == '-') base += 1;
    if (base[0] != '\0') snprintf(name, size, "%s", base);
    else if (!known && read_proc_file(pid, "comm", name, size) > 0) name[strcspn(name, "\n")] = '\0';
    else if (!known) name[0] = '\0';
}

static bool is_session_keeper(const char *program) {
    char name[NAME_BYTES];
    size_t length = 0;
    if (strcmp(program, "(sd-pam)") == 0) return true;
    for (; *program != '\0' && *program != ':' && length < sizeof name - 1; program += 1) {
        if (*program != '(' && *program != ')') name[length++] = *program;
    }
    name[length] = '\0';
    return is_one_of(session_keepers, name);
}

/* A short option of letters with this one among them: -lc. */
static bool has_letter(const char *option, char letter) {
    if (option[0] != '-') return false;
    for (option += 1; isalpha((unsigned char)*option); option += 1) {
        if (*option == letter) return true;
    }
    return false;
}

/*
 * As readsCommandsFromPerson in src/domain/programs.ts: not with `-c` or a script to run (sh(1), bash(1)).
 * `command` holds the words of the command line, each with a NUL behind it.
 */
static bool reads_commands_from_person(const char *command, size_t length) {
    const char *end = command + length;
    for (const char *word = command + strlen(command) + 1; word < end; word += strlen(word) + 1) {
        if (strcmp(word, "--") == 0 || strcmp(word, "-") == 0) return word + strlen(word) + 1 >= end;
        if (word[0] != '-' && word[0] != '+') return false;
        bool command_follows = strcmp(word, "--command") == 0 || starts_with(word, "--command=");
        if (command_follows || has_letter(word, 'c')) return false;
        if (has_letter(word, 's')) return true;
        if (is_listed(value_options, word)) word += strlen(word) + 1;
        if (word >= end) break;
    }
    return true;
}

bool may_end(const struct process *process) {
    static char command[COMMAND_BYTES];
    char program[NAME_BYTES];
    if (process->pid <= 1) return false;
    ssize_t length = 0;
    bool known = read_executable(process->pid, program, sizeof program) && !stands_for_many(program);
    /* Most are known by their executable, and no shells: two files the less to read for each. */
    if (!known || (process->terminal != 0 && is_one_of(shells, program))) {
        length = read_proc_file(process->pid, "cmdline", command, sizeof command);
        if (length < 0) length = 0;
    }
    command[length] = '\0';
    if (!known) program_of(process->pid, command, program, sizeof program);
    if (is_session_keeper(program)) return false;
    bool is_shell = process->terminal != 0 && is_one_of(shells, program);
    return !(is_shell && reads_commands_from_person(command, (size_t)length));
}
