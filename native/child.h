/* Running `kubeguard` itself: to start the daemon, and to ask for the passphrase. */
#ifndef KG_CHILD_H
#define KG_CHILD_H

#include <signal.h>
#include <stdbool.h>

#include "wire.h"

/* Where what `kubeguard unlock` says goes. Its input and output are /dev/null: both belong to the command. */
enum child_errors { ERRORS_TO_OURS, ERRORS_TO_TERMINAL };

/*
 * While a child has the terminal, Ctrl-C and Ctrl-\ are meant for it: it must give the terminal its echo back before
 * we go. SIGCHLD may come to us ignored, and then nobody could wait for the child.
 */
enum { HELD_SIGNALS = 3 };
struct held_signals {
    struct sigaction before[HELD_SIGNALS];
};
void hold_signals(struct held_signals *kept);
void restore_signals(const struct held_signals *kept);

/* What a command is told that may ask on the terminal, by the daemon or by itself. */
bool may_ask(void);

/* KUBEGUARD_PROMPT does not forbid it: it may wait for a prompt of somebody else's. */
bool may_wait(void);

/* Which of the descriptors 0, 1 and 2 are terminals: bits 1, 2 and 4. */
unsigned standard_terminals(void);

/*
 * Runs `kubeguard daemon start`. Returns 0, or its exit code; then `complaint` holds what it said, which
 * may be nothing. A start that succeeds says nothing to anybody.
 */
int start_daemon(struct bytes *complaint);

/*
 * Runs `kubeguard unlock --for-command POLICY` and returns its exit code. Where a signal ended it, this
 * process ends by the same one.
 */
int run_unlock(const char *policy, enum child_errors errors);

#endif
