/* Where the daemon and the keepers are, and whether those places are ours alone. */
#ifndef KG_PLACES_H
#define KG_PLACES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Connects to the socket that the daemon's lock file names. Returns -1 when no daemon listens there; ends
 * this process when a place is not ours alone.
 */
int connect_daemon(void);

/*
 * Connects to the keeper of this policy's open session. Returns -1 where there is none to be found; ends this
 * process when a place is not ours alone.
 */
int connect_keeper(const char *policy);

/*
 * Connects to a socket of ours. Returns -1 when nobody listens there; ends this process when it is not ours
 * alone.
 */
int connect_own(const char *path);

/*
 * Moves a descriptor of ours out of 0, 1 and 2: where one of them is closed, what is printed must not go
 * into a socket. Passes -1 on.
 */
int above_standard(int fd);

/* Writes the path of `bin/kubeguard` of the installation that this binary belongs to. */
bool find_launcher(char *path, size_t size);

#endif
