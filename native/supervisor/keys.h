/* Which bytes of a terminal were typed by a person, and which are the terminal's own answers. */
#ifndef KG_KEYS_H
#define KG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_state {
    KEY_GROUND,
    KEY_ESCAPE,
    KEY_SS3,
    KEY_CSI,
    KEY_STRING,
    KEY_STRING_ESCAPE,
    KEY_MOUSE,
    KEY_VT52,
};

/* What has been read so far of a sequence that may end in a later read. Zero at the start. */
struct keys {
    enum key_state state;
    /* Of a control sequence: its private mark, an intermediate byte, and the first number. */
    uint8_t mark;
    bool intermediate;
    bool past_first;
    unsigned first;
    /* Bytes that are missing of an old mouse report, or of a character. */
    unsigned left;
    unsigned character_left;
    uint8_t lead;
    /* Within a bracketed paste; behind the first key of a line. */
    bool pasting;
    bool within_line;
};

/*
 * Takes in what the terminal sent. Returns whether anything of it was typed: a key, a paste, a mouse button. Not:
 * reports of cursor, device, mode, colour, title or size, focus, and motion of the mouse; a program in the pod can ask
 * a terminal for all of these (ctlseqs of xterm, "Device-Control functions" and "Mouse Tracking").
 */
bool keys_typed(struct keys *keys, const uint8_t *at, size_t length);

/* Is what comes next at the start of a line, and no part of a paste, a longer key, a character or an answer? */
bool keys_at_line_start(const struct keys *keys);

#endif
