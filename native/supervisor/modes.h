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
    unsigned keyboards;
    /* Of the output, what was read of a sequence that goes on. */
    enum output_state state;
    size_t length;
    char parameters[PARAMETERS];
};

/* Takes in what the program wrote. */
void modes_read(struct modes *modes, const uint8_t *at, size_t length);

/* Has it the screen that full-screen programs use, without lines that scroll away? */
bool modes_full_screen(const struct modes *modes);

enum { UNDO_BYTES = 512 };

/* Writes what takes all of it back. Returns how many bytes that are. */
size_t modes_undo(const struct modes *modes, char undo[UNDO_BYTES]);

#endif
