/*
 * Keys that speak to kubeguard, as ssh(1) has them: at the start of a line `~`, and then another. Each is one only where
 * it came by itself, as from a hand: what arrives together, a paste or a program's line, is passed on as it is. Nor is
 * there any within a bracketed paste, a terminal's answer or a longer key, or while a program has the whole screen.
 */
#ifndef KG_ESCAPE_H
#define KG_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ESCAPE_MS = 2000 };

struct escape {
    /* The policy's key, or 0 for none. */
    uint8_t key;
    /* It was typed, and waits for what comes next; a person who thinks it over is not waited for. */
    bool held;
    int64_t held_ms;
};

enum escape_verdict {
    /* What was read goes on as it is. */
    ESCAPE_PASS,
    /* So it does, behind the key that was held. */
    ESCAPE_RELEASE,
    /* It was the key, once or twice: one of it goes on. */
    ESCAPE_ITSELF,
    /* Nothing goes on: the key is held, or something is asked for. */
    ESCAPE_TAKE,
};

/*
 * Looks at what one read brought. `begins`: it is where an escape may begin. `typed`: a person did it. `command` is set to
 * what is asked for: "lock", "time" or "help".
 */
enum escape_verdict escape_look(struct escape *escape, bool begins, bool typed, const uint8_t *at, size_t length,
                                const char **command);

/* After how many ms a key that is held goes on, or -1. */
int escape_due(const struct escape *escape, int64_t now);

#endif
