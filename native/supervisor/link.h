/* What supervisor and daemon say to each other: keys are told to the daemon, and a lock is told to us. */
#ifndef KG_LINK_H
#define KG_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { SAID_BYTES = 4096, WARNING_BYTES = 512, NOTICE_BYTES = 1024 };

struct link {
    /* Waits for the end; readable when it has come, also when the daemon is gone. */
    int wait_fd;
    /* A report that is not answered yet, or -1. */
    int report_fd;
    struct sockaddr_un address;
    socklen_t address_length;
    /* What there is to report, and when that was done last. */
    bool typed;
    bool moved;
    /* Asked for by keys, a name of the protocol; or NULL. */
    const char *command;
    uint64_t keys;
    uint64_t output;
    int64_t reported_ms;
};

/* How a stream ends by the daemon's will. */
struct ending {
    bool by_person;
    /* No ending: lines that were asked for. */
    bool is_notice;
    int exit_code;
    char said[SAID_BYTES];
    size_t said_length;
};

/*
 * Tells the daemon of this process and the device of the inner terminal; `escape` is the key of its policy. False where
 * it does not want to know.
 */
bool link_open(struct link *link, uint64_t device, uint8_t *escape);

/*
 * Reads what the daemon says, when `wait_fd` is readable: true where the end has come, or the daemon has ended, which
 * means the same. False for a warning, or for lines that were asked
 * for; they are in `ending`, and the next word is waited for.
 */
bool link_read_end(struct link *link, struct ending *ending);

/* Does the daemon say something within this time? */
bool link_has_word(const struct link *link, int within_ms);

/* Reports what is due. Never waits. Returns after how many ms there is more to do, or -1. */
int link_report(struct link *link, int64_t now);

/* The terminal is gone. Waits for the answer, a little. */
void link_report_hang_up(struct link *link);

#endif
