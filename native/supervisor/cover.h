/*
 * A lock that does not end the program: it goes on unseen behind a lock screen. No key gets through, what it writes goes
 * into the log alone, and once the session is open again its screen is drawn from that.
 */
#ifndef KG_COVER_H
#define KG_COVER_H

#include "pump.h"

/* The session is locked: `news` has the lines to show and the policy. The daemon is told when the lock screen stands. */
void cover_begin(struct supervised *all, const struct news *news);

/* The session is open again. */
void cover_leave(struct supervised *all);

/* Is a lock screen there, or not yet cleared away? */
static inline bool is_covered(const struct supervised *all) {
    return all->cover.state != COVER_OFF;
}

/* Keys that were typed at the lock screen. */
void cover_keys(struct supervised *all, const uint8_t *at, size_t length);

/* The terminal has another size, or is ours again. */
void cover_again(struct supervised *all);

/* A child may have ended. */
void cover_look_at_child(struct supervised *all);

/* Does what is due: has the log read, begun anew, or drawn. Returns after how many ms there is more to do, or -1. */
int cover_step(struct supervised *all);

/* Must the program wait with what it writes? */
bool cover_holds(const struct supervised *all);

/* Reads the answer of the screen's process. */
void cover_read_screen(struct supervised *all);

/* While it is drawn: puts more of it among what is to be shown. */
void cover_draw_on(struct supervised *all);

/* Ends what was started for it. */
void cover_drop(struct supervised *all);

#endif
