/* What a program has switched in the terminal, so that it can be taken back when the program can't do that itself. */
#ifndef KG_MODES_H
#define KG_MODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum output_state { OUT_GROUND, OUT_ESCAPE, OUT_SEQUENCE, OUT_STRING, OUT_STRING_ESCAPE };
enum { PARAMETERS = 64 };

struct modes {
    /* One bit for each mode of modes.c that is not as it is in a new terminal. */
    uint32_t changed;
    bool keypad;
    bool drawn; /* colours, character sets */
    /* It may be that a new line does not move all others up: a region, or lines that are moved right. */
    bool odd_lines;
    /* There was a C1 control in UTF-8, which may have begun anything; and the last byte may be the first one of such. */
    bool had_c1;
    bool may_be_c1;
    unsigned keyboards;
    /* Keys with modifiers, of xterm's modifyOtherKeys; 0 for as usual. */
    unsigned other_keys;
    /* The terminal shows the lock screen: all of these are put aside. */
    bool covered;
    /* Of the output, what was read of a sequence that goes on. */
    enum output_state state;
    size_t length;
    char parameters[PARAMETERS];
};

/* Takes in what the program wrote. */
void modes_read(struct modes *modes, const uint8_t *at, size_t length);

enum { UNDO_BYTES = 768 };

/* Writes what takes all of it back. Returns how many bytes that are. */
size_t modes_undo(const struct modes *modes, char undo[UNDO_BYTES]);

/* Is the program on the alternate screen, which full-screen programs use? No line scrolls away from it. */
bool modes_on_alternate(const struct modes *modes);

/*
 * The same, but what has a stack in the terminal is left, and so are the screens; and what switches it all on again,
 * once the screens are as they were.
 */
size_t modes_put_aside(const struct modes *modes, char undo[UNDO_BYTES]);
size_t modes_redo(const struct modes *modes, char redo[UNDO_BYTES]);

#endif
