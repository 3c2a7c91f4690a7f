#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "../places.h"
#include "../protocol.h"
#include "../wire.h"

/* Keys are told at once, then no more than once a second; bytes alone are news only for `kubeguard ps`. */
enum { KEYS_EVERY_MS = 1000, BYTES_EVERY_MS = 5000, FAREWELL_MS = 500 };

static const char gone[] = "the daemon has ended, and every session is locked with it\nrun: kubeguard unlock";

static bool ask_for_word(const struct link *link) {
    request_begin(KG_SUPERVISOR_WAIT);
    return send_message(link->wait_fd);
}

bool link_open(struct link *link, uint64_t device, uint8_t *escape) {
    static const uint32_t limits[] = KG_SUPERVISOR_BEGIN_REPLY_LIMITS;
    static const struct reply_form form = {KG_SUPERVISOR_BEGIN_REPLY, KG_SUPERVISOR_BEGIN_REPLY_TAGS, limits};
    struct bytes fields[REPLY_TAGS];
    *link = (struct link){.report_fd = -1, .address_length = sizeof link->address};
    link->wait_fd = connect_daemon();
    if (link->wait_fd < 0) return false;
    bool known = getpeername(link->wait_fd, (struct sockaddr *)&link->address, &link->address_length) == 0;
    request_begin(KG_SUPERVISOR_BEGIN);
    request_add_uint(KG_SUPERVISOR_BEGIN_DEVICE, device);
    if (known && exchange(link->wait_fd, &form, fields) == EXCHANGED) {
        *escape = (uint8_t)field_uint(fields[KG_SUPERVISOR_BEGIN_REPLY_ESCAPE], 0);
        if (ask_for_word(link)) return true;
    }
    close(link->wait_fd);
    return false;
}

bool link_has_word(const struct link *link, int within_ms) {
    struct pollfd end = {.fd = link->wait_fd, .events = POLLIN};
    return poll(&end, 1, within_ms) > 0;
}

static bool receive(int fd, uint8_t *at, size_t length) {
    return recv(fd, at, length, MSG_WAITALL) == (ssize_t)length;
}

static void say(struct ending *ending, const void *text, size_t length) {
    ending->said_length = length < SAID_BYTES ? length : SAID_BYTES;
    memcpy(ending->said, text, ending->said_length);
}

bool link_read_end(struct link *link, struct ending *ending) {
    static const uint32_t limits[] = KG_SUPERVISOR_WAIT_REPLY_LIMITS;
    static uint8_t body[KG_HEADER_BYTES + 2 * SAID_BYTES];
    struct bytes fields[REPLY_TAGS];
    struct timeval patience = {.tv_sec = 1};
    *ending = (struct ending){.exit_code = KG_EXIT_LIVE_ENDED};
    say(ending, gone, sizeof gone - 1);
    setsockopt(link->wait_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!receive(link->wait_fd, body, KG_HEADER_BYTES)) return true;
    struct header header = read_header(body);
    if (header.id != KG_SUPERVISOR_WAIT_REPLY || header.body > sizeof body) return true;
    if (!receive(link->wait_fd, body, header.body)) return true;
    struct bytes all = {.at = body, .length = header.body};
    if (!parse_fields(all, KG_SUPERVISOR_WAIT_REPLY_TAGS, limits, fields)) return true;
    struct bytes warning = fields[KG_SUPERVISOR_WAIT_REPLY_WARNING];
    struct bytes notice = fields[KG_SUPERVISOR_WAIT_REPLY_NOTICE];
    ending->is_notice = notice.at != NULL;
    struct bytes word = ending->is_notice ? notice : warning;
    if (word.at != NULL) {
        say(ending, word.at, word.length);
        return !ask_for_word(link);
    }
    ending->by_person = fields[KG_SUPERVISOR_WAIT_REPLY_BY_PERSON].at != NULL;
    struct bytes message = fields[KG_SUPERVISOR_WAIT_REPLY_MESSAGE];
    if (message.at != NULL) say(ending, message.at, message.length);
    return true;
}

/* A daemon that hangs must not keep the keys from the program: nothing here waits. */
static void send_report(struct link *link, bool hung_up) {
    link->report_fd = above_standard(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (link->report_fd < 0) return;
    request_begin(KG_SUPERVISOR_REPORT);
    request_add_flag(KG_SUPERVISOR_REPORT_TYPED, link->typed);
    request_add_flag(KG_SUPERVISOR_REPORT_HUNG_UP, hung_up);
    request_add_uint(KG_SUPERVISOR_REPORT_KEYS, link->keys);
    request_add_uint(KG_SUPERVISOR_REPORT_OUTPUT, link->output);
    if (link->command != NULL)
        request_add_text(KG_SUPERVISOR_REPORT_COMMAND, link->command, KG_SUPERVISOR_REPORT_COMMAND_MAX);
    if (connect(link->report_fd, (struct sockaddr *)&link->address, link->address_length) == 0 &&
        send_message(link->report_fd)) {
        link->typed = false;
        link->moved = false;
        link->command = NULL;
        return;
    }
    close(link->report_fd);
    link->report_fd = -1;
}

/* What the answer is does not matter: the end of the stream comes by the other connection. */
static void drop_answered(struct link *link) {
    struct pollfd answer = {.fd = link->report_fd, .events = POLLIN};
    if (link->report_fd < 0 || poll(&answer, 1, 0) <= 0) return;
    close(link->report_fd);
    link->report_fd = -1;
}

/* At once, but behind a report that is not answered yet: that it is wakes us. */
static int report_command(struct link *link, int64_t now) {
    if (link->report_fd >= 0) return -1;
    link->reported_ms = now;
    send_report(link, false);
    return link->command == NULL ? -1 : KEYS_EVERY_MS;
}

int link_report(struct link *link, int64_t now) {
    drop_answered(link);
    if (link->command != NULL) return report_command(link, now);
    if (!link->typed && !link->moved) return -1;
    int64_t due = link->reported_ms + (link->typed ? KEYS_EVERY_MS : BYTES_EVERY_MS);
    if (link->reported_ms != 0 && now < due) return (int)(due - now);
    link->reported_ms = now;
    if (link->report_fd < 0) send_report(link, false);
    return link->typed ? KEYS_EVERY_MS : -1;
}

void link_report_hang_up(struct link *link) {
    if (link->report_fd >= 0) close(link->report_fd);
    send_report(link, true);
    struct pollfd answer = {.fd = link->report_fd, .events = POLLIN};
    if (link->report_fd >= 0) poll(&answer, 1, FAREWELL_MS);
}
