/* The processes of this machine, as /proc shows them, and which of them a lock may never end. */
#ifndef KG_PROCESS_H
#define KG_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The fields of /proc/PID/stat that we use (proc_pid_stat(5)). */
struct process {
    uint64_t start; /* field 22: with it a recycled pid is another process */
    pid_t pid;
    pid_t parent;
    pid_t group;
    pid_t session;
    pid_t foreground; /* process group that has the terminal */
    int terminal;     /* device number, 0 for none */
    char state;
};

/* More processes than a person's machine has; the pages of those that are not there cost nothing. */
enum { MOST_PROCESSES = 65536 };

/* False when the process is gone or hidden (hidepid). */
bool read_process(pid_t pid, struct process *found);

/* Zombies and what is just being taken down do nothing any more. */
bool has_ended(const struct process *process);

bool is_stopped(const struct process *process);

/*
 * Looks at every process that can be seen, in one pass. The table is ordered by pid and stays until the next
 * look.
 */
size_t scan_processes(const struct process **table);

/* In the table of the last look; NULL for none. */
const struct process *find_process(pid_t pid);

/* Does it run the supervisor that lies beside this program? */
bool is_supervisor(pid_t pid);

/*
 * As src/domain/ending.ts: never an interactive shell, a terminal multiplexer, sshd or what else a log-in
 * hangs on, never pid 1.
 */
bool may_end(const struct process *process);

#endif
