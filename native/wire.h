/* Frames over a socket, as docs/protocol.md says. One request and one reply at a time. */
#ifndef KG_WIRE_H
#define KG_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of someone else's. `at` is NULL for a field that is not there. */
struct bytes {
    const uint8_t *at;
    size_t length;
};

enum exchange_result {
    EXCHANGED,
    EXCHANGE_REFUSED,       /* an error reply: its fields are set */
    EXCHANGE_GONE,          /* the peer closed before its answer was complete */
    EXCHANGE_LATE,          /* no complete answer in time */
    EXCHANGE_UNREADABLE,    /* an answer, but not one of the protocol */
    EXCHANGE_OTHER_VERSION, /* an answer in another version, and no error reply */
};

/* Room for the fields of any reply that we ask for, and of the error reply. */
enum { REPLY_TAGS = 8 };

/* What a reply must look like. */
struct reply_form {
    uint16_t id;
    size_t tags;            /* entries of `limits` and of the fields */
    const uint32_t *limits; /* most bytes, by tag */
};

/* Milliseconds on a clock that no one sets: for deadlines. */
int64_t now_ms(void);

/* Begins the request. Its fields point to the caller's bytes until the exchange is over. */
void request_begin(uint16_t id);

/* Adds a field. Returns false when it, or the frame, passes its limit. */
bool request_add(uint8_t tag, const void *bytes, size_t length, size_t most);

bool request_add_text(uint8_t tag, const char *text, size_t most);
bool request_add_uint(uint8_t tag, uint64_t value);
bool request_add_flag(uint8_t tag, bool set);

/*
 * Sends the request and waits for the whole reply, no longer than KG_LIMIT_REPLY_TIMEOUT_MS. On EXCHANGED
 * `fields[tag]` are the reply's; on EXCHANGE_REFUSED those of the error reply. They stay until the next
 * exchange.
 */
enum exchange_result exchange(int fd, const struct reply_form *form, struct bytes fields[REPLY_TAGS]);

/* Sends the message that was begun and waits for nothing: a reply of the reaper. False where it can't be sent. */
bool send_message(int fd);

/* A frame's header, from KG_HEADER_BYTES bytes. */
struct header {
    uint32_t body;
    uint16_t version;
    uint16_t id;
};
struct header read_header(const uint8_t *at);

/* Cuts a body into fields. False unless each tag is known, within its limit and there once. */
bool parse_fields(struct bytes body, size_t tags, const uint32_t *limits, struct bytes fields[REPLY_TAGS]);

/* An unsigned number of a reply, or `otherwise` where it is absent. */
uint64_t field_uint(struct bytes field, uint64_t otherwise);

bool field_is(struct bytes field, const char *text);

/* Overwrites everything that was received. */
void wipe_reply(void);

#endif
