/* kubeguard-watch: what a shell without sockets and timers has beside it. */
#ifndef KG_WATCH_H
#define KG_WATCH_H

/*
 * `kubeguard-watch PID STATE_FOLDER [signal]`: ends with the shell PID. Sends it SIGURG, which does nothing to a
 * program that did not ask for it, when the status file has news; runs `kubeguard sweep` where the daemon is gone
 * when a session's time is over.
 */
int run_watch(int argc, char *argv[]);

#endif
