/* `kubeguard unlock`, started from the lock screen. */
#ifndef KG_UNLOCK_HERE_H
#define KG_UNLOCK_HERE_H

#include <signal.h>
#include <sys/types.h>

#include "outer.h"

/*
 * The terminal takes lines, without echo, and Ctrl-C alone as a signal: what it does before the question stands, and
 * Ctrl-Z, would be for nobody. Returns the child's pid, or -1.
 */
pid_t unlock_here(const struct outer *outer, const char *policy, const sigset_t *unblocked);

#endif
