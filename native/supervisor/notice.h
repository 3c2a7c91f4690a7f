/* Lines that a person has asked for by keys, below what stands on the screen. */
#ifndef KG_NOTICE_H
#define KG_NOTICE_H

#include "pump.h"

/* Takes in what the daemon says. */
void notice_begin(struct supervised *all, const char *text, size_t length);

/* Shows it as soon as the program's output is not within a sequence or a character; a full-screen program is spared. */
void notice_show(struct supervised *all);

#endif
