/*
 * A warning on the last line of the screen, which the next key, or what the program writes, takes away. What stands under
 * it is told from the log by the process that knows the screen: it is there while a warning lasts.
 */
#ifndef KG_OVERLAY_H
#define KG_OVERLAY_H

#include "pump.h"

/* Wants this line there, as soon as the program has been quiet for a moment. */
void overlay_begin(struct supervised *all, const char *line);

/* Takes it away, behind the output that was read, and wants it no more. */
void overlay_end(struct supervised *all);

/* Something else is about to be written, or has become of the terminal: takes it away for as long as that goes on. */
void overlay_give_way(struct supervised *all);

/* Takes it away at once and wants it no more: nothing else is written by the pump. */
void overlay_drop(struct supervised *all);

/* Does what is due. Returns after how many ms there is more to do, or -1. */
int overlay_step(struct supervised *all);

/* The screen's process has drawn it: `drawn` holds that, and behind it what takes it away. */
void overlay_take(struct supervised *all, const struct drawn *drawn);

/* The screen's process came to nothing: another is tried, a few times. */
void overlay_fail(struct supervised *all);

/* After how many ms the program has been quiet for long enough, if it stays so; 0 when it has. */
int quiet_within(const struct supervised *all);

#endif
