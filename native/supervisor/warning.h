/* A warning of a lock: the bell, the terminal's title, and a line over the screen (overlay.h), until the next key. */
#ifndef KG_WARNING_H
#define KG_WARNING_H

#include "pump.h"

/* Takes in what the daemon says; nothing, when a warning is past. */
void warning_begin(struct supervised *all, const char *text, size_t length);

/* Shows it as soon as the program's output is not within a sequence or a character. */
void warning_show(struct supervised *all);

/* Gives the title back: after the output that was read. */
void warning_end(struct supervised *all);

/* The same at once, when the program's output goes no further. */
void warning_drop(struct supervised *all);

/* Is the output that was read not within a sequence or a character that goes on in the next read? */
bool is_between(const struct supervised *all);

/*
 * Puts something behind the output that was read. False where that is within a sequence or a character that goes on in
 * the next read, or there is no room.
 */
bool put_between(struct supervised *all, const char *text, size_t length);

/* How many bytes of a character are missing after these, where `before` were missing before them. */
unsigned missing_bytes(const uint8_t *at, size_t length, unsigned before);

#endif
