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

struct screen {
    pid_t pid; /* 0: none runs */
    /* Our end of a socket pair; what it has drawn, a memfd. */
    int line;
    int drawn;
    /* What it was asked: up to where, whether to draw that, and since when it is waited for. */
    bool asked;
    bool draws;
    uint64_t followed;
    int64_t asked_ms;
    /* How it was then: the terminal's size, behind a lock screen, and about to come out from there. */
    struct winsize size;
    bool covered;
    bool leaves;
    /* One after the other that came to nothing. */
    unsigned failures;
};

/* Starts one for this log. False where that can't be done. */
bool screen_start(struct screen *screen, const struct log *log);

/* Has it read the log up to its present end, and draw what is on the screen then. Only while nothing is asked. */
bool screen_ask(struct screen *screen, const struct log *log, bool draw);

enum screen_answer { SCREEN_FOLLOWED, SCREEN_DRAWN, SCREEN_FAILED };

/* Reads its answer, when `line` is readable. On SCREEN_DRAWN there are `length` bytes in `drawn`. */
enum screen_answer screen_read(struct screen *screen, uint64_t *length);

/* Ends it. */
void screen_stop(struct screen *screen);

#endif
