/* What is to be ended, and the ending of it. */
#ifndef KG_ENDING_H
#define KG_ENDING_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Clients that the daemon named, and what was seen to come of them. */
enum { MOST_WATCHED = 16384 };

/* What the daemon names. */
struct client {
    uint64_t group;
    uint64_t start;
    pid_t pid;
    uint32_t grace_ms;
    bool alone; /* a holder: what it started is not ended with it */
    bool covers; /* a supervisor behind a lock screen, which hides what it is */
};

/* Reads the clock and opens what is there to open; `daemon` is never ended. */
void prepare_ending(pid_t daemon);

/* Takes a client in, or moves it and what came of it to another group. Where there is no room it is killed at once. */
void watch_client(const struct client *client);

/*
 * A held job: it and what it started are left alone by `end_group`, until its group is empty. By end_all and by a
 * deadline they are not. Where there is no room for more, this one is not spared.
 */
void spare(pid_t pid, uint64_t start);
void spare_none(void);

void forget_client(pid_t pid, uint64_t start);

/*
 * Looks at the whole process table: remembers what the clients started, so that it is found again when its
 * parents are gone, and forgets what is gone with all it started.
 */
void look_around(void);

/* How many are watched or being ended. */
size_t watched(void);

bool group_is_empty(uint64_t group);

/* Begins to end a group: freezes it, then TERM and CONT. */
void end_group(uint64_t group);

void end_all(void);

/* Goes on with what is being ended: KILL where the grace is over. Returns the ms until it must be called again, -1 for never. */
int go_on_ending(void);

/*
 * Those of a group that could not be ended, by pid, comma and blank between them; they are forgotten by it.
 * Returns the length.
 */
size_t take_unendable(uint64_t group, char *text, size_t size);

/* Descriptors that become readable when a process ends, into `places`; returns how many. */
size_t poll_places(struct pollfd *places, size_t most);

/* After poll(2) on them, before anything else. Returns whether one of them has ended. */
bool note_exits(const struct pollfd *places, size_t count);

#endif
