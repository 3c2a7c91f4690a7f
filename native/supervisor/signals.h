/* What signals do to a supervisor: what they would have done to the program, that had the terminal without it. */
#ifndef KG_SIGNALS_H
#define KG_SIGNALS_H

#include "pump.h"

/* Blocks all signals, and makes them readable. */
int signals_open(sigset_t *before);

/* Obeys those that have come. */
void obey_signals(struct supervised *all);

/* The daemon says something, or is gone. */
void hear_daemon(struct supervised *all);

/* The terminal is gone. */
void hang_up(struct supervised *all);

#endif
