#include "keys.h"

enum {
    BEL = 0x07,
    CAN = 0x18,
    SUB = 0x1a,
    ESC = 0x1b,
    CSI = 0x9b,
    ST = 0x9c,
    MOTION = 32,
    /* Old mouse reports add this to each number, so that it can be printed. */
    PRINTABLE = 32,
};

static void begin_sequence(struct keys *keys) {
    keys->state = KEY_CSI;
    keys->mark = 0;
    keys->intermediate = false;
    keys->past_first = false;
    keys->first = 0;
}

/* A button that goes down, or the wheel; no motion, and no release (3 in reports that name no button for it). */
static bool is_button(unsigned code) {
    return (code & MOTION) == 0 && (code & 3) != 3;
}

/* A control sequence is whole: was it typed? */
static bool is_typed(struct keys *keys, uint8_t final) {
    if (keys->mark == '<') return final == 'M' && is_button(keys->first);
    if (keys->mark != 0 || keys->intermediate) return false;
    switch (final) {
    case 'M':
        /* With numbers it is urxvt's report; without, three bytes follow (X10). */
        if (keys->past_first) return is_button(keys->first - PRINTABLE);
        keys->state = KEY_MOUSE;
        keys->left = 3;
        return false;
    case 'I': /* focus */
    case 'O':
    case 'R': /* the cursor's place; F3 with Shift looks like row 1, and is given up for it */
    case 'c': /* device attributes, colours of an area, status, parameters, window, mode, checksum */
    case 'm':
    case 'n':
    case 'x':
    case 't':
    case 'y':
        return false;
    case '~':
        /* Bracketed paste begins and ends. */
        if (keys->first == 200 || keys->first == 201) keys->pasting = keys->first == 200;
        return true;
    default:
        return true;
    }
}

static bool in_sequence(struct keys *keys, uint8_t byte) {
    if (byte == ESC) {
        keys->state = KEY_ESCAPE;
        return false;
    }
    if (byte >= '0' && byte <= '9') {
        if (!keys->past_first && keys->first < 100000) keys->first = keys->first * 10 + (byte - '0');
        return false;
    }
    if (byte == ';' || byte == ':') {
        keys->past_first = true;
        return false;
    }
    if (byte >= '<' && byte <= '?') {
        keys->mark = byte;
        return false;
    }
    if (byte >= 0x20 && byte < 0x30) {
        keys->intermediate = true;
        return false;
    }
    keys->state = KEY_GROUND;
    return byte >= 0x40 && byte < 0x7f ? is_typed(keys, byte) : true;
}

static void begin_string(struct keys *keys) {
    keys->state = KEY_STRING;
    keys->character_left = 0;
}

static bool after_escape(struct keys *keys, uint8_t byte) {
    switch (byte) {
    case '[':
        begin_sequence(keys);
        return false;
    case 'O':
        keys->state = KEY_SS3;
        return false;
    case 'P': /* DCS, OSC, SOS, PM, APC: what is in them was never typed */
    case ']':
    case 'X':
    case '^':
    case '_':
        begin_string(keys);
        return false;
    case '/': /* what a VT52 is: ESC / Z */
        keys->state = KEY_VT52;
        return false;
    case ESC: /* the first was a key */
        return true;
    default:
        keys->state = KEY_GROUND;
        return true;
    }
}

static unsigned continuation_bytes(uint8_t lead) {
    if (lead >= 0xf0 && lead < 0xf8) return 3;
    if (lead >= 0xe0) return lead < 0xf0 ? 2 : 0;
    return lead >= 0xc0 ? 1 : 0;
}

/*
 * The last byte of U+201C is that of ST, and U+009C is ST in UTF-8: whoever has chosen a title must not end it there, and
 * have the rest for typed. Where it was the end, the next key with a control in it is one again.
 */
static bool is_within_character(struct keys *keys, uint8_t byte) {
    bool continues = keys->character_left > 0 && (byte & 0xc0) == 0x80;
    keys->character_left = continues ? keys->character_left - 1 : continuation_bytes(byte);
    return continues;
}

static bool in_string(struct keys *keys, uint8_t byte) {
    if (is_within_character(keys, byte)) return false;
    if (byte == ESC) keys->state = KEY_STRING_ESCAPE;
    else if (byte == BEL || byte == ST) keys->state = KEY_GROUND;
    /* No terminal puts these into an answer: a string that never ended must not swallow keys for good. */
    else if (byte == CAN || byte == SUB || byte < 0x08 || byte == '\r' || byte == '\n') {
        keys->state = KEY_GROUND;
        return true;
    }
    return false;
}

/* A terminal that sends eight bits has one byte for ESC and the next: 0x9b for ESC [. */
static bool control(struct keys *keys, uint8_t byte) {
    keys->state = KEY_ESCAPE;
    return after_escape(keys, (uint8_t)(byte - 0x40));
}

static bool is_c1(uint8_t byte) {
    return byte >= 0x80 && byte < 0xa0;
}

static bool at_ground(struct keys *keys, uint8_t byte) {
    if (keys->character_left > 0 && (byte & 0xc0) == 0x80) {
        keys->character_left -= 1;
        /* U+0080 to U+009F: a control, in UTF-8. */
        if (keys->lead == 0xc2 && is_c1(byte)) return control(keys, byte);
        return keys->lead == 0xc2;
    }
    keys->character_left = 0;
    if (byte == ESC) {
        keys->state = KEY_ESCAPE;
        return false;
    }
    if (is_c1(byte)) return control(keys, byte);
    keys->character_left = continuation_bytes(byte);
    keys->lead = byte;
    return byte != 0xc2;
}

static bool take(struct keys *keys, uint8_t byte) {
    switch (keys->state) {
    case KEY_GROUND:
        return at_ground(keys, byte);
    case KEY_ESCAPE:
        return after_escape(keys, byte);
    case KEY_SS3:
        keys->state = KEY_GROUND;
        return true;
    case KEY_CSI:
        return in_sequence(keys, byte);
    case KEY_STRING:
        return in_string(keys, byte);
    case KEY_STRING_ESCAPE:
        if (byte == '\\') {
            keys->state = KEY_GROUND;
            return false;
        }
        keys->state = KEY_ESCAPE;
        return after_escape(keys, byte);
    case KEY_MOUSE:
        keys->left -= 1;
        if (keys->left == 0) keys->state = KEY_GROUND;
        return keys->left == 2 && byte >= PRINTABLE && is_button((unsigned)byte - PRINTABLE);
    case KEY_VT52:
        keys->state = KEY_GROUND;
        return byte != 'Z';
    }
    return true;
}

bool keys_typed(struct keys *keys, const uint8_t *at, size_t length) {
    bool typed = false;
    for (size_t index = 0; index < length; index += 1) {
        if (!take(keys, at[index])) continue;
        typed = true;
        keys->within_line = at[index] != '\r' && at[index] != '\n';
    }
    return typed;
}

bool keys_at_line_start(const struct keys *keys) {
    bool between = keys->state == KEY_GROUND && keys->character_left == 0;
    return between && !keys->pasting && !keys->within_line;
}
