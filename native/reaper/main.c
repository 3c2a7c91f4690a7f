/*
 * The process that ends clients, also when the daemon can't: it follows the same three rules as a keeper
 * (src/keeper/lease.ts). A deadline has passed by two seconds: its group is ended. The line to the daemon has
 * closed, or nothing was heard on it for 20 s: everything is ended. It holds no secret.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../protocol.h"
#include "../wire.h"
#include "ending.h"

enum {
    LINE = 3, /* our end of the socket pair */
    MOST_GROUPS = 1024,
    LONGEST_REQUEST = 4096,
    DEADLINE_GRACE_MS = 2000,
    SILENCE_MS = 20000,
    /* poll(2) stands still while the machine sleeps: never wait past a look at the clocks. */
    LONGEST_WAIT_MS = 1000,
    /* What a client starts is looked for this long after something happened. */
    LOOK_DELAY_MS = 250,
};

struct group {
    uint64_t id;
    int64_t deadline_boot_ms;
    int64_t lifetime_wall_ms;
    bool has_deadline;
    bool asked; /* the daemon waits to hear that nothing is left of it */
};

static struct group groups[MOST_GROUPS];
static size_t group_count;
static uint8_t received[LONGEST_REQUEST];
static size_t received_bytes;
static int64_t heard_boot_ms;
static int64_t look_due_ms; /* 0: none is due */
/* The line is closed, or nobody speaks on it: end everything and go. */
static bool alone;

static int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void want_look(void) {
    if (look_due_ms == 0) look_due_ms = now_ms() + LOOK_DELAY_MS;
}

static void drop_groups(void) {
    for (size_t index = group_count; index-- > 0;) {
        if (!groups[index].asked && group_is_empty(groups[index].id)) groups[index] = groups[--group_count];
    }
}

/* NULL where there are too many: such a group has no deadline of its own. */
static struct group *find_group(uint64_t id) {
    for (size_t index = 0; index < group_count; index += 1) {
        if (groups[index].id == id) return &groups[index];
    }
    if (group_count == MOST_GROUPS) drop_groups();
    if (group_count == MOST_GROUPS) return NULL;
    groups[group_count] = (struct group){.id = id};
    return &groups[group_count++];
}

static void serve_watch(const struct bytes *fields) {
    struct client client = {
        .group = field_uint(fields[KG_REAPER_WATCH_GROUP], 0),
        .start = field_uint(fields[KG_REAPER_WATCH_START_TICKS], 0),
        .pid = (pid_t)field_uint(fields[KG_REAPER_WATCH_PID], 0),
        .grace_ms = (uint32_t)field_uint(fields[KG_REAPER_WATCH_GRACE_MS], 0),
        .alone = fields[KG_REAPER_WATCH_ALONE].at != NULL,
        .covers = fields[KG_REAPER_WATCH_COVERS].at != NULL,
    };
    if (client.pid > 1) watch_client(&client);
    want_look();
    request_begin(KG_REAPER_WATCH_REPLY);
    send_message(LINE);
}

static void serve_forget(const struct bytes *fields) {
    pid_t pid = (pid_t)field_uint(fields[KG_REAPER_FORGET_PID], 0);
    forget_client(pid, field_uint(fields[KG_REAPER_FORGET_START_TICKS], 0));
    request_begin(KG_REAPER_FORGET_REPLY);
    send_message(LINE);
}

static void serve_spare(const struct bytes *fields) {
    spare((pid_t)field_uint(fields[KG_REAPER_SPARE_PID], 0), field_uint(fields[KG_REAPER_SPARE_START_TICKS], 0));
    request_begin(KG_REAPER_SPARE_REPLY);
    send_message(LINE);
}

static void serve_live(const struct bytes *fields) {
    struct group *group = find_group(field_uint(fields[KG_REAPER_LIVE_GROUP], 0));
    if (group != NULL) {
        group->deadline_boot_ms = (int64_t)field_uint(fields[KG_REAPER_LIVE_DEADLINE_BOOT_MS], 0);
        group->lifetime_wall_ms = (int64_t)field_uint(fields[KG_REAPER_LIVE_LIFETIME_WALL_MS], 0);
        group->has_deadline = true;
    }
    look_around();
    drop_groups();
    request_begin(KG_REAPER_LIVE_REPLY);
    request_add_uint(KG_REAPER_LIVE_REPLY_WATCHED, watched());
    send_message(LINE);
}

static void serve_end(const struct bytes *fields) {
    uint64_t id = field_uint(fields[KG_REAPER_END_GROUP], 0);
    struct group *group = find_group(id);
    if (group != NULL) group->asked = true;
    end_group(id);
}

/* False for what is none of the daemon's requests. */
static bool serve(uint16_t id, struct bytes body) {
    static const uint32_t watch[] = KG_REAPER_WATCH_LIMITS;
    static const uint32_t forget[] = KG_REAPER_FORGET_LIMITS;
    static const uint32_t spare[] = KG_REAPER_SPARE_LIMITS;
    static const uint32_t live[] = KG_REAPER_LIVE_LIMITS;
    static const uint32_t end[] = KG_REAPER_END_LIMITS;
    static const struct {
        uint16_t id;
        size_t tags;
        const uint32_t *limits;
        void (*serve)(const struct bytes *fields);
    } requests[] = {
        {KG_REAPER_WATCH, KG_REAPER_WATCH_TAGS, watch, serve_watch},
        {KG_REAPER_FORGET, KG_REAPER_FORGET_TAGS, forget, serve_forget},
        {KG_REAPER_SPARE, KG_REAPER_SPARE_TAGS, spare, serve_spare},
        {KG_REAPER_LIVE, KG_REAPER_LIVE_TAGS, live, serve_live},
        {KG_REAPER_END, KG_REAPER_END_TAGS, end, serve_end},
    };
    struct bytes fields[REPLY_TAGS];
    for (size_t index = 0; index < sizeof requests / sizeof requests[0]; index += 1) {
        if (requests[index].id != id) continue;
        if (!parse_fields(body, requests[index].tags, requests[index].limits, fields)) return false;
        requests[index].serve(fields);
        return true;
    }
    return false;
}

/* Serves every whole request that has come. False for what can't be one. */
static bool serve_received(void) {
    size_t at = 0;
    while (received_bytes - at >= KG_HEADER_BYTES) {
        struct header header = read_header(received + at);
        if (header.version != KG_PROTOCOL_VERSION || header.body > sizeof received - KG_HEADER_BYTES) return false;
        if (received_bytes - at - KG_HEADER_BYTES < header.body) break;
        struct bytes body = {.at = received + at + KG_HEADER_BYTES, .length = header.body};
        if (!serve(header.id, body)) return false;
        at += KG_HEADER_BYTES + header.body;
    }
    received_bytes -= at;
    memmove(received, received + at, received_bytes);
    return true;
}

/* False at the line's end. */
static bool receive(void) {
    for (;;) {
        ssize_t got = recv(LINE, received + received_bytes, sizeof received - received_bytes, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        if (got == 0) return false;
        received_bytes += (size_t)got;
        heard_boot_ms = clock_ms(CLOCK_BOOTTIME);
        if (!serve_received()) return false;
    }
}

static void end_what_is_over(void) {
    int64_t boot = clock_ms(CLOCK_BOOTTIME) - DEADLINE_GRACE_MS;
    int64_t wall = clock_ms(CLOCK_REALTIME) - DEADLINE_GRACE_MS;
    for (size_t index = 0; index < group_count; index += 1) {
        struct group *group = &groups[index];
        if (!group->has_deadline || (group->deadline_boot_ms > boot && group->lifetime_wall_ms > wall)) continue;
        group->has_deadline = false;
        spare_none();
        end_group(group->id);
    }
    if (alone || clock_ms(CLOCK_BOOTTIME) - heard_boot_ms < SILENCE_MS) return;
    alone = true;
    end_all();
}

static void answer_ended(void) {
    static char left[KG_REAPER_END_REPLY_LEFT_MAX];
    for (size_t index = 0; index < group_count; index += 1) {
        struct group *group = &groups[index];
        if (!group->asked || !group_is_empty(group->id)) continue;
        group->asked = false;
        spare_none();
        size_t length = take_unendable(group->id, left, sizeof left);
        request_begin(KG_REAPER_END_REPLY);
        request_add_uint(KG_REAPER_END_REPLY_GROUP, group->id);
        request_add(KG_REAPER_END_REPLY_LEFT, left, length, sizeof left);
        send_message(LINE);
    }
    drop_groups();
}

static void look_if_due(void) {
    if (look_due_ms == 0 || look_due_ms > now_ms()) return;
    look_due_ms = 0;
    look_around();
}

static int wait_ms(int ending_ms) {
    int64_t wait = LONGEST_WAIT_MS;
    if (ending_ms >= 0 && ending_ms < wait) wait = ending_ms;
    int64_t look = look_due_ms - now_ms();
    if (look_due_ms != 0 && look < wait) wait = look;
    return wait < 0 ? 0 : (int)wait;
}

/* Ctrl-C and its like are for the clients; a terminal that hangs up is not ours. Nobody looks into us. */
static void harden(void) {
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1,
                                  SIGUSR2, SIGALRM};
    for (size_t index = 0; index < sizeof ignored / sizeof ignored[0]; index += 1) signal(ignored[index], SIG_IGN);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int main(void) {
    static struct pollfd places[1 + MOST_WATCHED];
    harden();
    prepare_ending(getppid());
    heard_boot_ms = clock_ms(CLOCK_BOOTTIME);
    for (;;) {
        int ending_ms = go_on_ending();
        answer_ended();
        if (alone && ending_ms < 0) return 0;
        places[0] = (struct pollfd){.fd = alone ? -1 : LINE, .events = POLLIN};
        size_t count = poll_places(places + 1, MOST_WATCHED);
        int ready = poll(places, count + 1, wait_ms(ending_ms));
        if (ready > 0 && note_exits(places + 1, count)) want_look();
        if (ready > 0 && places[0].revents != 0 && !receive()) {
            alone = true;
            end_all();
        }
        look_if_due();
        end_what_is_over();
    }
}
