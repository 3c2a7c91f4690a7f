#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "protocol.h"

_Static_assert(KG_GATE_CHECK_REPLY_TAGS <= REPLY_TAGS, "gate.check");
_Static_assert(KG_CREDENTIAL_ISSUE_REPLY_TAGS <= REPLY_TAGS, "credential.issue");
_Static_assert(KG_KEEPER_ISSUE_REPLY_TAGS <= REPLY_TAGS, "keeper.issue");
_Static_assert(KG_KEEPER_FETCH_REPLY_TAGS <= REPLY_TAGS, "keeper.fetch");
_Static_assert(KG_KEEPER_SHARE_REPLY_TAGS <= REPLY_TAGS, "keeper.share");
_Static_assert(KG_KEEPER_DELIVER_REPLY_TAGS <= REPLY_TAGS, "keeper.deliver");
_Static_assert(KG_ERROR_TAGS <= REPLY_TAGS, "error");

struct field {
    const void *bytes;
    uint32_t length;
    uint8_t tag;
};

/* Untouched pages of these cost nothing. */
static struct field request[KG_LIMIT_FIELDS_PER_MESSAGE];
static size_t request_fields;
static size_t request_bytes;
static uint16_t request_id;
static uint8_t numbers[4][KG_UINT_BYTES];
static size_t numbers_used;

/* The largest reply we ask for is a credential. */
static uint8_t reply[KG_HEADER_BYTES + KG_LIMIT_JSON_BYTES + 64 * 1024];
static size_t reply_bytes;

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void put16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}

static uint16_t get16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at) {
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

void request_begin(uint16_t id) {
    request_id = id;
    request_fields = 0;
    request_bytes = KG_HEADER_BYTES;
    numbers_used = 0;
}

bool request_add(uint8_t tag, const void *bytes, size_t length, size_t most) {
    if (length > most || request_fields == KG_LIMIT_FIELDS_PER_MESSAGE) return false;
    if (request_bytes + KG_FIELD_HEADER_BYTES + length > KG_LIMIT_FRAME_BYTES) return false;
    request[request_fields] = (struct field){.bytes = bytes, .length = (uint32_t)length, .tag = tag};
    request_fields += 1;
    request_bytes += KG_FIELD_HEADER_BYTES + length;
    return true;
}

bool request_add_text(uint8_t tag, const char *text, size_t most) {
    return request_add(tag, text, strlen(text), most);
}

bool request_add_uint(uint8_t tag, uint64_t value) {
    if (numbers_used == sizeof numbers / sizeof numbers[0]) return false;
    uint8_t *number = numbers[numbers_used];
    numbers_used += 1;
    put32(number, (uint32_t)(value >> 32));
    put32(number + 4, (uint32_t)value);
    return request_add(tag, number, KG_UINT_BYTES, KG_UINT_BYTES);
}

bool request_add_flag(uint8_t tag, bool set) {
    return !set || request_add(tag, "", 0, 0);
}

/* Waits until the socket is ready or the deadline has passed. */
static bool wait_for(int fd, short event, int64_t deadline) {
    for (;;) {
        int64_t left = deadline - now_ms();
        if (left <= 0) return false;
        struct pollfd socket = {.fd = fd, .events = event};
        int ready = poll(&socket, 1, (int)left);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

/* Sends all of it. False when the peer takes no more: its answer may be there all the same. */
static bool send_all(int fd, struct iovec *parts, size_t count, int64_t deadline) {
    while (count > 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && wait_for(fd, POLLOUT, deadline)) continue;
        if (sent < 0) return false;
        while (count > 0 && (size_t)sent >= parts->iov_len) {
            sent -= (ssize_t)parts->iov_len;
            parts += 1;
            count -= 1;
        }
        if (count > 0) {
            parts->iov_base = (uint8_t *)parts->iov_base + sent;
            parts->iov_len -= (size_t)sent;
        }
    }
    return true;
}

enum { FIELDS_AT_ONCE = 256 };

/* The values go out from where they are; only their headers are made here, some at a time. */
static bool send_request(int fd, int64_t deadline) {
    static uint8_t headers[FIELDS_AT_ONCE][KG_FIELD_HEADER_BYTES];
    static struct iovec parts[1 + 2 * FIELDS_AT_ONCE];
    uint8_t header[KG_HEADER_BYTES];
    put32(header, (uint32_t)(request_bytes - KG_HEADER_BYTES));
    put16(header + 4, KG_PROTOCOL_VERSION);
    put16(header + 6, request_id);
    parts[0] = (struct iovec){.iov_base = header, .iov_len = sizeof header};
    size_t count = 1;
    for (size_t index = 0; index < request_fields; index += 1) {
        uint8_t *field_header = headers[index % FIELDS_AT_ONCE];
        field_header[0] = request[index].tag;
        put32(field_header + 1, request[index].length);
        parts[count++] = (struct iovec){field_header, KG_FIELD_HEADER_BYTES};
        parts[count++] = (struct iovec){(void *)(uintptr_t)request[index].bytes, request[index].length};
        if (index % FIELDS_AT_ONCE != FIELDS_AT_ONCE - 1) continue;
        if (!send_all(fd, parts, count, deadline)) return false;
        count = 0;
    }
    return send_all(fd, parts, count, deadline);
}

/* Is there a whole frame in `reply` yet? A frame that would not fit, or more than one, is not for us. */
static bool is_whole(bool *unreadable) {
    if (reply_bytes < KG_HEADER_BYTES) return false;
    uint32_t body = get32(reply);
    *unreadable = body > sizeof reply - KG_HEADER_BYTES || reply_bytes > KG_HEADER_BYTES + body;
    return *unreadable || reply_bytes == KG_HEADER_BYTES + body;
}

static enum exchange_result receive_reply(int fd, int64_t deadline) {
    bool unreadable = false;
    reply_bytes = 0;
    while (!is_whole(&unreadable)) {
        ssize_t got = recv(fd, reply + reply_bytes, sizeof reply - reply_bytes, MSG_DONTWAIT);
        if (got > 0) reply_bytes += (size_t)got;
        if (got == 0) return EXCHANGE_GONE;
        if (got > 0 || errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return EXCHANGE_GONE;
        if (!wait_for(fd, POLLIN, deadline)) return EXCHANGE_LATE;
    }
    return unreadable ? EXCHANGE_UNREADABLE : EXCHANGED;
}

bool parse_fields(struct bytes body, size_t tags, const uint32_t *limits, struct bytes fields[REPLY_TAGS]) {
    memset(fields, 0, REPLY_TAGS * sizeof fields[0]);
    for (size_t at = 0; at < body.length;) {
        if (body.length - at < KG_FIELD_HEADER_BYTES) return false;
        uint8_t tag = body.at[at];
        uint32_t length = get32(body.at + at + 1);
        at += KG_FIELD_HEADER_BYTES;
        if (length > body.length - at) return false;
        if (tag >= tags || length > limits[tag] || fields[tag].at != NULL) return false;
        fields[tag] = (struct bytes){.at = body.at + at, .length = length};
        at += length;
    }
    return true;
}

static bool parse_reply(size_t tags, const uint32_t *limits, struct bytes fields[REPLY_TAGS]) {
    struct bytes body = {.at = reply + KG_HEADER_BYTES, .length = reply_bytes - KG_HEADER_BYTES};
    return parse_fields(body, tags, limits, fields);
}

static enum exchange_result read_error(struct bytes fields[REPLY_TAGS]) {
    static const uint32_t limits[] = KG_ERROR_LIMITS;
    if (!parse_reply(KG_ERROR_TAGS, limits, fields)) return EXCHANGE_UNREADABLE;
    for (size_t tag = KG_ERROR_CODE; tag < KG_ERROR_TAGS; tag += 1) {
        if (fields[tag].at == NULL) return EXCHANGE_UNREADABLE;
    }
    return fields[KG_ERROR_EXIT_CODE].length == KG_UINT_BYTES ? EXCHANGE_REFUSED : EXCHANGE_UNREADABLE;
}

enum exchange_result exchange(int fd, const struct reply_form *form, struct bytes fields[REPLY_TAGS]) {
    int64_t deadline = now_ms() + KG_LIMIT_REPLY_TIMEOUT_MS;
    /* A peer that refuses closes without reading on: what it said is there although sending failed. */
    (void)send_request(fd, deadline);
    enum exchange_result result = receive_reply(fd, deadline);
    if (result != EXCHANGED) return result;
    uint16_t id = get16(reply + 6);
    if (id == KG_ERROR) return read_error(fields);
    if (get16(reply + 4) != KG_PROTOCOL_VERSION) return EXCHANGE_OTHER_VERSION;
    if (id != form->id || !parse_reply(form->tags, form->limits, fields)) return EXCHANGE_UNREADABLE;
    return EXCHANGED;
}

bool send_message(int fd) {
    return send_request(fd, now_ms() + KG_LIMIT_FRAME_TIMEOUT_MS);
}

struct header read_header(const uint8_t *at) {
    return (struct header){.body = get32(at), .version = get16(at + 4), .id = get16(at + 6)};
}

uint64_t field_uint(struct bytes field, uint64_t otherwise) {
    if (field.at == NULL || field.length != KG_UINT_BYTES) return otherwise;
    return (uint64_t)get32(field.at) << 32 | get32(field.at + 4);
}

bool field_is(struct bytes field, const char *text) {
    return field.at != NULL && field.length == strlen(text) && memcmp(field.at, text, field.length) == 0;
}

void wipe_reply(void) {
    explicit_bzero(reply, reply_bytes);
    reply_bytes = 0;
}
