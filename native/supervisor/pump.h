/* Bytes from one terminal to the other, as they are. */
#ifndef KG_PUMP_H
#define KG_PUMP_H

#include <stdbool.h>

#include "escape.h"
#include "inner.h"
#include "keys.h"
#include "link.h"
#include "lock-screen.h"
#include "log.h"
#include "outer.h"
#include "screen.h"

enum { BUFFER_BYTES = 64 * 1024 };

struct buffer {
    /* One more, for a key that was held back. */
    uint8_t bytes[BUFFER_BYTES + 1];
    size_t begin;
    size_t end;
};

/* A lock screen: there, to be taken away as soon as the screen behind it is known, and being drawn over. */
struct cover {
    enum { COVER_OFF, COVER_ON, COVER_LEAVING, COVER_REDRAWING } state;
    char lines[COVER_BYTES + 1];
    char policy[POLICY_BYTES];
    /* `kubeguard unlock`, which has the keys, or 0. */
    pid_t asking;
    int64_t left_ms;
    /* How much of what `screen.drawn` holds was taken. */
    uint64_t drawn_at;
    uint64_t drawn_end;
};

/* More than a line of 500 cells takes, each in colours of its own. */
enum { BACK_BYTES = 32 * 1024 };

/* The line of a warning over the last one of the screen: wanted, or there. */
struct overlay {
    enum { OVERLAY_OFF, OVERLAY_WANTED, OVERLAY_SHOWN } state;
    char line[WARNING_BYTES];
    /* While it is there, what takes it away: it is written before anything else is. */
    size_t back_length;
    char back[BACK_BYTES];
    /* Where the log ended when what is under it could not be told for sure. */
    uint64_t uncertain;
    /* In this warning. */
    unsigned failures;
};

struct supervised {
    struct outer outer;
    struct inner inner;
    struct link link;
    struct keys keys;
    struct escape escape;
    struct buffer typed;
    struct buffer shown;
    struct log log;
    struct screen screen;
    struct cover cover;
    struct overlay overlay;
    /* When the program wrote last, or its terminal had another size. */
    int64_t output_ms;
    int signals;
    /* The signals that children of ours have blocked. */
    sigset_t unblocked;
    bool hung_up;
    /* A warning stands in the terminal's title; or waits for the output to be between two sequences. */
    bool warned;
    /* Bytes of the last character that was read and are missing yet (UTF-8, RFC 3629). */
    unsigned character_left;
    char warning[WARNING_BYTES];
    /* Lines that were asked for, until they are shown. */
    char notice[NOTICE_BYTES];
    /* What waitpid(2) says of the warden, once it has ended. */
    bool ended;
    int status;
};

/* Until the program has ended and all that it wrote is shown, or the daemon ends it; that does not come back. */
void pump(struct supervised *all);

/* Ends program and supervisor by the daemon's will: the terminal is mended, and one line says why. */
_Noreturn void end_by_daemon(struct supervised *all, const struct news *end);

#endif
