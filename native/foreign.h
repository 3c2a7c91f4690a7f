/* Running somebody else's exec plugin as client-go would have, with limits. */
#ifndef KG_FOREIGN_H
#define KG_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

struct foreign_run {
    struct bytes program;     /* a path, or a name to be found on PATH */
    struct bytes argv;        /* each ended by NUL */
    struct bytes environment; /* NAME=value, each ended by NUL; in the place of ours of those names */
    uint64_t limit_ms;
    bool interactive; /* it may read from our standard input, and write to our terminal */

    bool keeper_gone;    /* it was ended, because nobody waits for what it gives */
    const char *outcome; /* as keeper.deliver has it */
    uint64_t code;
    struct bytes output;
};

/*
 * Runs it, and ends it when its time is over or the other end of `keeper` is gone. What it prints on standard error
 * goes to ours: as it comes where it is interactive, else the first 64 KiB of it.
 */
void run_foreign(struct foreign_run *run, int keeper);

#endif
