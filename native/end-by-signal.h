/* An end by a signal, as the program that stood in our place had it. */
#ifndef KG_END_BY_SIGNAL_H
#define KG_END_BY_SIGNAL_H

/* Whoever waits for this process sees that it died by this signal. Comes back where the signal ends nobody. */
void end_by_signal(int number);

#endif
