#include "escape.h"

static const char *command_of(uint8_t key) {
    switch (key) {
    case 'l':
        return "lock";
    case 't':
        return "time";
    case '?':
        return "help";
    default:
        return NULL;
    }
}

/* The key that comes after. NULL for one that means nothing. */
static enum escape_verdict obey(const struct escape *escape, uint8_t key, const char **command) {
    if (key == escape->key) return ESCAPE_ITSELF;
    *command = command_of(key);
    return *command == NULL ? ESCAPE_PASS : ESCAPE_TAKE;
}

enum escape_verdict escape_look(struct escape *escape, bool begins, bool typed, const uint8_t *at, size_t length,
                                const char **command) {
    bool held = escape->held;
    *command = NULL;
    /* An answer of the terminal says nothing of the key that is held. */
    if (!typed) return ESCAPE_PASS;
    escape->held = false;
    if (held) {
        enum escape_verdict verdict = length == 1 ? obey(escape, at[0], command) : ESCAPE_PASS;
        return verdict == ESCAPE_PASS ? ESCAPE_RELEASE : verdict;
    }
    if (!begins || at[0] != escape->key) return ESCAPE_PASS;
    if (length == 1) {
        escape->held = true;
        return ESCAPE_TAKE;
    }
    /* Two keys that a slow line has brought together. */
    return length == 2 ? obey(escape, at[1], command) : ESCAPE_PASS;
}

int escape_due(const struct escape *escape, int64_t now) {
    if (!escape->held) return -1;
    int64_t left = escape->held_ms + ESCAPE_MS - now;
    return left > 0 ? (int)left : 0;
}
