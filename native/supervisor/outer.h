/* The terminal in front of which the person sits. */
#ifndef KG_OUTER_H
#define KG_OUTER_H

#include <stdbool.h>
#include <termios.h>

#include "modes.h"

struct outer {
    /* Opened anew: that it does not block is nobody else's concern. */
    int fd;
    struct termios saved;
    struct termios raw;
};

/* False where 0 and 1 are not the terminal that this process has for its own and is in the foreground of. */
bool outer_open(struct outer *outer);

bool outer_is_ours(const struct outer *outer);

/* Both do nothing in the background: the terminal is somebody else's then. */
void outer_make_raw(const struct outer *outer);
void outer_restore(const struct outer *outer);

/* Takes back what the program has switched. */
void outer_undo(const struct outer *outer, const struct modes *modes);

/*
 * For a process of another session, after the one that had made the terminal raw was killed: as it was, unless
 * somebody, such as a shell, has set it since.
 */
void outer_mend(const struct outer *outer, const struct modes *modes);

#endif
