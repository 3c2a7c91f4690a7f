/*
 * The process that knows what is on the program's screen (src/screen): a terminal without a window, fed from the log. It
 * is started when it is needed, and holds nothing that the log does not.
 */
#ifndef KG_SCREEN_H
#define KG_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "log.h"

/* Up to where it is to read the log; what draws all of the screen then; or a line over it. */
enum screen_wish { WISH_FOLLOW, WISH_DRAW, WISH_OVERLAY };

/* How many bytes draw, and how many behind these take a line away again. */
struct drawn {
    uint64_t length;
    uint64_t back;
};

struct screen {
    pid_t pid; /* 0: none runs */
    /* Our end of a socket pair; what it has drawn, a memfd. */
    int line;
    int drawn;
    /* What it was asked: for what, up to where, and since when it is waited for. */
    bool asked;
    enum screen_wish wish;
    uint64_t followed;
    int64_t asked_ms;
    /* How it was then: the terminal's size, behind a lock screen, and about to come out from there. */
    struct winsize size;
    bool covered;
    bool leaves;
    /* One after the other that came to nothing. */
    unsigned failures;
    /* A flood may need it again: until then it is not ended. */
    int64_t kept_ms;
};

/* Starts one for this log. False where that can't be done. */
bool screen_start(struct screen *screen, const struct log *log);

/*
 * Has it read the log up to its present end, and draw what is wished then; `overlay` is the line for WISH_OVERLAY. Only
 * while nothing is asked.
 */
bool screen_ask(struct screen *screen, const struct log *log, enum screen_wish wish, const char *overlay);

/* Reads its answer to what was wished, when `line` is readable: what there is in `drawn`. False where it came to nothing. */
bool screen_read(struct screen *screen, struct drawn *drawn);

/* Ends it. */
void screen_stop(struct screen *screen);

#endif
