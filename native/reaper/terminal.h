/* What a client that was killed leaves behind on its terminal. */
#ifndef KG_TERMINAL_H
#define KG_TERMINAL_H

#include "process.h"

/*
 * Gives the terminal its lines and its echo back, for a process that is in its foreground and about to be
 * killed: one that had it in raw mode can't do so itself. Before the kill, for at its death the shell sets what
 * it needs.
 */
void mend_terminal(const struct process *process);

#endif
