/* The terminal that the program gets, and the process that stands in for its shell there. */
#ifndef KG_INNER_H
#define KG_INNER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "modes.h"
#include "outer.h"

/* What the two processes of ours both see, and what is left of it when one of them is killed. */
struct shared {
    pid_t program;
    /* By which signal the program was stopped last. */
    int stopped_by;
    struct modes modes;
};

struct inner {
    int master;
    int slave;
    uint64_t device;
    /* Leads the session of the inner terminal, starts the program, waits for it, and ends as it ended. */
    pid_t warden;
    struct shared *shared;
};

struct command {
    char *path;
    int argc;
    char **argv;
    /* The signals that were blocked before any was for our sake. */
    sigset_t blocked;
};

/* Makes the terminal, of the size and with the settings of the outer one. False where there is none to be had. */
bool inner_open(struct inner *inner, const struct outer *outer);

/* Starts the program in it. All signals are blocked. False where there is no process to be had. */
bool inner_start(struct inner *inner, const struct outer *outer, const struct command *command);

/* Gives the inner terminal the size that the outer one has. */
void inner_resize(const struct inner *inner, const struct outer *outer);

/* Ends this process as a child ended, by what waitpid(2) says of it. */
_Noreturn void end_like(int status);

#endif
