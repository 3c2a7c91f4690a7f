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
        link->suspends = fields[KG_SUPERVISOR_BEGIN_REPLY_SUSPENDS].at != NULL;
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

static void say(struct news *news, const void *text, size_t length, size_t most) {
    news->said_length = length < most ? length : most;
    memcpy(news->said, text, news->said_length);
}

/* The daemon has no reason to name one that is none; it becomes an argument. */
static bool take_policy(struct news *news, struct bytes name) {
    if (name.at == NULL || name.length == 0 || name.length >= POLICY_BYTES || name.at[0] == '-') return false;
    if (memchr(name.at, '\0', name.length) != NULL) return false;
    memcpy(news->policy, name.at, name.length);
    news->policy[name.length] = '\0';
    return true;
}

/* What it is, where it is not the end. */
static bool read_kind(struct news *news, const struct bytes fields[REPLY_TAGS]) {
    struct bytes warning = fields[KG_SUPERVISOR_WAIT_REPLY_WARNING];
    struct bytes notice = fields[KG_SUPERVISOR_WAIT_REPLY_NOTICE];
    struct bytes cover = fields[KG_SUPERVISOR_WAIT_REPLY_COVER];
    if (warning.at != NULL) {
        news->kind = NEWS_WARNING;
        say(news, warning.at, warning.length, SAID_BYTES);
    } else if (notice.at != NULL) {
        news->kind = NEWS_NOTICE;
        say(news, notice.at, notice.length, SAID_BYTES);
    } else if (cover.at != NULL && take_policy(news, fields[KG_SUPERVISOR_WAIT_REPLY_POLICY])) {
        news->kind = NEWS_COVER;
        say(news, cover.at, cover.length, KG_SUPERVISOR_WAIT_REPLY_COVER_MAX);
    } else if (fields[KG_SUPERVISOR_WAIT_REPLY_UNCOVER].at != NULL) news->kind = NEWS_UNCOVER;
    else return false;
    return true;
}

void link_read_news(struct link *link, struct news *news) {
    static const uint32_t limits[] = KG_SUPERVISOR_WAIT_REPLY_LIMITS;
    static uint8_t body[KG_HEADER_BYTES + 2 * SAID_BYTES];
    struct bytes fields[REPLY_TAGS];
    struct timeval patience = {.tv_sec = 1};
    *news = (struct news){.kind = NEWS_END, .exit_code = KG_EXIT_LIVE_ENDED};
    say(news, gone, sizeof gone - 1, SAID_BYTES);
    setsockopt(link->wait_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!receive(link->wait_fd, body, KG_HEADER_BYTES)) return;
    struct header header = read_header(body);
    if (header.id != KG_SUPERVISOR_WAIT_REPLY || header.body > sizeof body) return;
    if (!receive(link->wait_fd, body, header.body)) return;
    struct bytes all = {.at = body, .length = header.body};
    if (!parse_fields(all, KG_SUPERVISOR_WAIT_REPLY_TAGS, limits, fields)) return;
    if (read_kind(news, fields)) {
        if (!ask_for_word(link)) news->kind = NEWS_END;
        return;
    }
    news->by_person = fields[KG_SUPERVISOR_WAIT_REPLY_BY_PERSON].at != NULL;
    struct bytes message = fields[KG_SUPERVISOR_WAIT_REPLY_MESSAGE];
    if (message.at != NULL) say(news, message.at, message.length, SAID_BYTES);
}

struct more {
    bool hung_up;
    bool covered;
};

/* A daemon that hangs must not keep the keys from the program: nothing here waits. */
static void send_report(struct link *link, struct more more) {
    link->report_fd = above_standard(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (link->report_fd < 0) return;
    request_begin(KG_SUPERVISOR_REPORT);
    request_add_flag(KG_SUPERVISOR_REPORT_TYPED, link->typed);
    request_add_flag(KG_SUPERVISOR_REPORT_HUNG_UP, more.hung_up);
    request_add_flag(KG_SUPERVISOR_REPORT_COVERED, more.covered);
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
    send_report(link, (struct more){0});
    return link->command == NULL ? -1 : KEYS_EVERY_MS;
}

int link_report(struct link *link, int64_t now) {
    drop_answered(link);
    if (link->command != NULL) return report_command(link, now);
    if (!link->typed && !link->moved) return -1;
    int64_t due = link->reported_ms + (link->typed ? KEYS_EVERY_MS : BYTES_EVERY_MS);
    if (link->reported_ms != 0 && now < due) return (int)(due - now);
    link->reported_ms = now;
    if (link->report_fd < 0) send_report(link, (struct more){0});
    return link->typed ? KEYS_EVERY_MS : -1;
}

/* Of one that is on its way nothing more is wanted; what it says was sent. */
static void report_at_once(struct link *link, struct more more) {
    if (link->report_fd >= 0) close(link->report_fd);
    send_report(link, more);
}

void link_report_covered(struct link *link) {
    report_at_once(link, (struct more){.covered = true});
}

void link_report_hang_up(struct link *link) {
    report_at_once(link, (struct more){.hung_up = true});
    struct pollfd answer = {.fd = link->report_fd, .events = POLLIN};
    if (link->report_fd >= 0) poll(&answer, 1, FAREWELL_MS);
}
