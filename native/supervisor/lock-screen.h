/* What stands on the person's terminal while a program goes on unseen behind it. */
#ifndef KG_LOCK_SCREEN_H
#define KG_LOCK_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "outer.h"

enum { COVER_BYTES = 1024 };

/* Takes the terminal over: what the program has switched is put aside. False where the terminal takes no more. */
bool lock_screen_raise(const struct outer *outer, struct modes *modes);

/* Draws the lines anew, for the size that the terminal has. */
bool lock_screen_draw(const struct outer *outer, const char *lines);

/* What clears it away and leaves the terminal as new, for the program's screen to be drawn. */
enum { LOWER_BYTES = 256 };
size_t lock_screen_lower(char lower[LOWER_BYTES]);

/* Below the lines: the question, with a cursor. */
bool lock_screen_begin_question(const struct outer *outer);

/* Writes all of it, unless the terminal takes no more for some time. */
bool write_all(const struct outer *outer, const char *text, size_t length);

#endif
