#define _GNU_SOURCE
#include "ending.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../wire.h"
#include "process.h"
#include "terminal.h"

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum {
    /* A tree that still grows after this many looks forks faster than we can look: it is ended as it is. */
    MOST_ROUNDS = 20,
    /* A process in uninterruptible sleep does not even die of SIGKILL; this long we wait for it. */
    KILL_PATIENCE_MS = 5000,
    /* While something is ending, what it starts is looked for: soon, then more and more rarely. */
    FIRST_LOOK_MS = 4,
    LAST_LOOK_MS = 64,
    /* As many holds as a session can have (src/domain/hold.ts). */
    MOST_SPARED = 64,
    /* Longer ancestries than this are not followed. */
    MOST_ANCESTORS = 128,
};

/* LATER: started by a handler of TERM, and let it do its work; ended when what it came of is gone, or its time is over. */
enum phase { WATCHED, TO_END, TERMED, LATER, KILLED, UNENDABLE };

struct entry {
    struct client client;
    int64_t due_ms; /* TERMED, LATER: when KILL comes; KILLED: when it is given up */
    pid_t owner;    /* the client that it came of */
    int pidfd;      /* -1 where the kernel has none, or there are too many */
    enum phase phase;
    bool gone;
    bool spent; /* to be let go of */
};

/* Where a process of the table stands: index of the entry that it is, or comes of. */
struct mark {
    uint32_t entry;
    enum { NONE, MEMBER, KEPT } kind;
    bool alone;
};

static struct entry entries[MOST_WATCHED];
static size_t used;
static struct mark marks[MOST_PROCESSES];
static const struct process *table;
static size_t processes;
static struct client spared[MOST_SPARED];
static size_t spared_count;
static pid_t daemon_pid;
static int64_t next_look_ms;
static int look_pause_ms = FIRST_LOOK_MS;

void prepare_ending(pid_t daemon) {
    struct rlimit files;
    daemon_pid = daemon;
    /* One descriptor for each process, as far as we may. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool is_same(const struct process *process, const struct client *client) {
    return process != NULL && process->pid == client->pid && process->start == client->start;
}

/* The pid may be another's by now: then the start time differs, and the descriptor is not the one. */
static int open_pidfd(const struct client *client) {
    struct process found;
    int fd = (int)syscall(SYS_pidfd_open, client->pid, 0);
    if (fd < 0 || (read_process(client->pid, &found) && is_same(&found, client))) return fd;
    close(fd);
    return -1;
}

static bool is_alive(const struct entry *entry) {
    struct process found;
    if (entry->gone) return false;
    if (entry->pidfd >= 0) {
        struct pollfd place = {.fd = entry->pidfd, .events = POLLIN};
        return poll(&place, 1, 0) == 0;
    }
    return read_process(entry->client.pid, &found) && is_same(&found, &entry->client) && !has_ended(&found);
}

/* False where we may not signal it. One that is gone, or whose pid is another's now, is fine. */
static bool send(const struct entry *entry, int number) {
    if (!is_alive(entry)) return true;
    long sent = entry->pidfd >= 0 ? syscall(SYS_pidfd_send_signal, entry->pidfd, number, NULL, 0)
                                  : kill(entry->client.pid, number);
    return sent == 0 || errno == ESRCH;
}

static struct entry *find_entry(pid_t pid, uint64_t start) {
    for (size_t index = 0; index < used; index += 1) {
        struct client *client = &entries[index].client;
        if (client->pid == pid && client->start == start) return &entries[index];
    }
    return NULL;
}

static struct entry *add_entry(const struct client *client, pid_t owner) {
    if (used == MOST_WATCHED) return NULL;
    struct entry *entry = &entries[used++];
    *entry = (struct entry){.client = *client, .owner = owner, .phase = WATCHED, .pidfd = open_pidfd(client)};
    entry->gone = !is_alive(entry);
    return entry;
}

static void drop_entry(size_t index) {
    if (entries[index].pidfd >= 0) close(entries[index].pidfd);
    entries[index] = entries[--used];
}

void watch_client(const struct client *client) {
    struct entry *known = find_entry(client->pid, client->start);
    /* A holder that a live client started is ended with what it started, even when that client is gone. */
    bool came_of_another = known != NULL && !known->client.alone;
    if (used == MOST_WATCHED && known == NULL) look_around();
    if (known == NULL) known = add_entry(client, client->pid);
    if (known == NULL) {
        struct entry lost = {.client = *client, .pidfd = open_pidfd(client)};
        send(&lost, SIGKILL);
        if (lost.pidfd >= 0) close(lost.pidfd);
        return;
    }
    for (size_t index = 0; index < used; index += 1) {
        struct entry *entry = &entries[index];
        if (entry->owner == client->pid && entry->phase == WATCHED) entry->client.group = client->group;
    }
    known->client = *client;
    known->client.alone = client->alone && !came_of_another;
    known->owner = client->pid;
}

void forget_client(pid_t pid, uint64_t start) {
    if (find_entry(pid, start) == NULL) return;
    for (size_t index = used; index-- > 0;) {
        if (entries[index].owner == pid && entries[index].phase == WATCHED) drop_entry(index);
    }
}

void spare(pid_t pid, uint64_t start) {
    if (spared_count < MOST_SPARED) spared[spared_count++] = (struct client){.pid = pid, .start = start};
}

void spare_none(void) {
    spared_count = 0;
}

static bool is_spared(const struct process *process) {
    for (size_t index = 0; index < spared_count; index += 1) {
        if (is_same(process, &spared[index])) return true;
    }
    return false;
}

/* In the table of the last look. */
static bool is_below_spared(const struct process *process) {
    for (int steps = 0; spared_count > 0 && process != NULL && steps < MOST_ANCESTORS; steps += 1) {
        if (is_spared(process)) return true;
        process = find_process(process->parent);
    }
    return false;
}

/* Which entries a look is about. */
typedef bool selection(const struct entry *entry);

static bool is_watched(const struct entry *entry) {
    return entry->phase == WATCHED;
}

static bool is_to_end(const struct entry *entry) {
    return entry->phase == TO_END;
}

static bool is_ending(const struct entry *entry) {
    return entry->phase != WATCHED && entry->phase != UNENDABLE;
}

/* What is found below one that is overdue has no time of its own. */
static bool is_overdue(const struct entry *entry) {
    bool waits = entry->phase == TERMED || entry->phase == LATER;
    return entry->phase == TO_END || (waits && entry->due_ms <= now_ms());
}

static void place_mark(size_t at, uint32_t entry, bool alone) {
    const struct process *process = &table[at];
    struct mark *mark = &marks[at];
    if (mark->kind != NONE || has_ended(process)) return;
    bool ours = process->pid == getpid() || process->pid == daemon_pid || is_spared(process);
    *mark = (struct mark){.entry = entry, .kind = ours || !may_end(process) ? KEPT : MEMBER, .alone = alone};
}

/*
 * Of an entry that may be gone: what still names it as leader of its session or, away from its parent, of its
 * group. The rest of a pipeline has its leader's group too, but also a parent in the same session: not ours.
 */
static bool is_orphan_of(const struct process *process, const struct client *client, uint64_t limit) {
    if (process->pid == client->pid || process->start < client->start || process->start >= limit) return false;
    if (process->session == client->pid) return true;
    if (process->group != client->pid) return false;
    const struct process *parent = find_process(process->parent);
    return parent == NULL || parent->session != process->session;
}

static void mark_entry(uint32_t index) {
    struct entry *entry = &entries[index];
    const struct process *process = find_process(entry->client.pid);
    bool same = is_same(process, &entry->client);
    entry->gone = entry->gone || !same || has_ended(process);
    /* What was seen to come of a client may be below a held job. */
    if (same && entry->owner != entry->client.pid && is_below_spared(process)) marks[process - table].kind = KEPT;
    if (same && !entry->gone) place_mark((size_t)(process - table), index, entry->client.alone);
    if (entry->client.alone) return;
    /* Where the pid was given away, orphans of that session are older than its new owner. */
    uint64_t limit = process == NULL || same ? UINT64_MAX : process->start;
    for (size_t at = 0; at < processes; at += 1) {
        if (is_orphan_of(&table[at], &entry->client, limit)) place_mark(at, index, false);
    }
}

/* A child of a member is one, a holder too. Parents mostly have the smaller pid: few passes are enough. */
static void mark_children(void) {
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t at = 0; at < processes; at += 1) {
            if (marks[at].kind != NONE && !(marks[at].kind == MEMBER && marks[at].alone)) continue;
            const struct process *parent = find_process(table[at].parent);
            if (parent == NULL || parent == &table[at]) continue;
            const struct mark *above = &marks[parent - table];
            if (above->kind != MEMBER || above->alone) continue;
            if (marks[at].kind == MEMBER) marks[at].alone = false;
            else place_mark(at, above->entry, false);
            changed = changed || marks[at].kind != NONE;
        }
    }
}

static void look_at(selection *selected) {
    processes = scan_processes(&table);
    memset(marks, 0, processes * sizeof marks[0]);
    for (uint32_t index = 0; index < used; index += 1) {
        if (selected(&entries[index])) mark_entry(index);
    }
    mark_children();
}

/* Puts one that was found below `above` into a phase of its own. */
static void follow(struct entry *found, const struct entry *above) {
    if (above->phase == WATCHED || above == found) return;
    bool waits = above->phase == TERMED || above->phase == LATER;
    found->phase = waits ? LATER : TO_END;
    found->due_ms = waits ? above->due_ms : 0;
}

/* Every member of the last look has an entry of its own from now on. */
static void take_in(void) {
    for (size_t at = 0; at < processes; at += 1) {
        const struct process *process = &table[at];
        if (marks[at].kind != MEMBER) continue;
        struct entry *above = &entries[marks[at].entry];
        struct entry *known = is_same(process, &above->client) ? above : find_entry(process->pid, process->start);
        if (known == NULL) {
            struct client found = above->client;
            found.pid = process->pid;
            found.start = process->start;
            known = add_entry(&found, above->owner);
            if (known == NULL) continue;
            known->client.alone = marks[at].alone;
        }
        if (known->phase == WATCHED) follow(known, above);
        known->client.alone = known->client.alone && marks[at].alone;
    }
}

static bool has_members(uint32_t index) {
    for (size_t at = 0; at < processes; at += 1) {
        if (marks[at].kind == MEMBER && marks[at].entry == index) return true;
    }
    return false;
}

/* Downwards, for the last one fills the gap. */
static void drop_spent(void) {
    for (size_t index = used; index-- > 0;) {
        if (entries[index].spent) drop_entry(index);
    }
}

void look_around(void) {
    look_at(is_watched);
    for (uint32_t index = 0; index < used; index += 1) {
        struct entry *entry = &entries[index];
        bool is_client = entry->owner == entry->client.pid;
        /* A client that is gone may have left some who still name it as their leader. */
        entry->spent = entry->phase == WATCHED && entry->gone && !(is_client && has_members(index));
    }
    take_in();
    drop_spent();
}

size_t watched(void) {
    return used;
}

bool group_is_empty(uint64_t group) {
    for (size_t index = 0; index < used; index += 1) {
        if (entries[index].client.group == group && entries[index].phase != UNENDABLE) return false;
    }
    return true;
}

static bool has_family(size_t at) {
    const struct process *parent = find_process(table[at].parent);
    if (parent != NULL && marks[parent - table].kind == MEMBER) return true;
    for (size_t other = 0; other < processes; other += 1) {
        if (marks[other].kind == MEMBER && table[other].parent == table[at].pid) return true;
    }
    return false;
}

/* One that was named and may not be ended all the same: a shell, a multiplexer, the daemon. */
static void drop_kept(selection *selected) {
    for (size_t index = used; index-- > 0;) {
        const struct process *process = find_process(entries[index].client.pid);
        bool kept = is_same(process, &entries[index].client) && marks[process - table].kind == KEPT;
        entries[index].spent = kept && selected(&entries[index]);
    }
}

/*
 * Stops the trees until a look at the whole table finds nothing new and all that was found stands still. A
 * process without children is not stopped: its shell would take the terminal back and call it suspended, and
 * kubectl could not restore the terminal from the background. Nor is a supervisor of ours before its grace is over,
 * for the same reason: it starts nothing but what is found below it.
 */
static void freeze(selection *selected) {
    for (int round = 0; round < MOST_ROUNDS; round += 1) {
        bool moving = false;
        look_at(selected);
        take_in();
        drop_kept(selected);
        for (size_t at = 0; at < processes; at += 1) {
            const struct process *process = &table[at];
            if (marks[at].kind != MEMBER || is_stopped(process) || !has_family(at)) continue;
            struct entry *entry = find_entry(process->pid, process->start);
            if (entry == NULL) continue;
            if (entry->phase == TO_END && (entry->client.covers || is_supervisor(process->pid))) continue;
            send(entry, SIGSTOP);
            /* One in uninterruptible sleep stops when it wakes. */
            moving = moving || process->state != 'D';
        }
        if (!moving) break;
    }
    drop_spent();
}

/* TERM first, because kubectl gives the terminal back its settings on it and not on KILL. */
static void terminate(void) {
    int64_t now = now_ms();
    for (size_t index = 0; index < used; index += 1) {
        struct entry *entry = &entries[index];
        if (entry->phase != TO_END) continue;
        if (entry->due_ms == 0) entry->due_ms = now + entry->client.grace_ms;
        entry->phase = send(entry, SIGTERM) ? TERMED : UNENDABLE;
    }
    for (size_t index = 0; index < used; index += 1) {
        if (entries[index].phase == TERMED) send(&entries[index], SIGCONT);
    }
}

static void begin_ending(void) {
    freeze(is_to_end);
    terminate();
    look_pause_ms = FIRST_LOOK_MS;
    next_look_ms = now_ms() + look_pause_ms;
}

void end_group(uint64_t group) {
    for (size_t index = 0; index < used; index += 1) {
        struct entry *entry = &entries[index];
        if (entry->client.group == group && entry->phase == WATCHED) entry->phase = TO_END;
    }
    begin_ending();
}

void end_all(void) {
    spare_none();
    for (size_t index = 0; index < used; index += 1) {
        if (entries[index].phase == WATCHED) entries[index].phase = TO_END;
    }
    begin_ending();
}

/* Kills what outstayed its grace, and all that came of it. */
static void kill_overdue(void) {
    bool any = false;
    for (size_t index = 0; index < used; index += 1) any = any || is_overdue(&entries[index]);
    if (!any) return;
    freeze(is_overdue);
    for (size_t at = 0; at < processes; at += 1) {
        struct entry *entry = marks[at].kind == MEMBER ? find_entry(table[at].pid, table[at].start) : NULL;
        if (entry == NULL || entry->phase == KILLED) continue;
        mend_terminal(&table[at]);
        entry->due_ms = now_ms() + KILL_PATIENCE_MS;
        entry->phase = send(entry, SIGKILL) ? KILLED : UNENDABLE;
    }
    /* Those that ended by themselves meanwhile: they were not in the last look. */
    for (size_t index = 0; index < used; index += 1) {
        struct entry *entry = &entries[index];
        if (is_overdue(entry) && !is_alive(entry)) entry->phase = KILLED;
    }
}

/*
 * A handler of TERM may have started something: that is ended, too, before what it came of is let go of. Those
 * that have ended by now were there when this look began, so what they left behind is in it.
 */
static void look_for_more(void) {
    for (size_t index = 0; index < used; index += 1) {
        struct entry *entry = &entries[index];
        if (is_ending(entry)) entry->spent = entry->gone = !is_alive(entry);
    }
    look_at(is_ending);
    take_in();
    drop_spent();
    if (look_pause_ms < LAST_LOOK_MS) look_pause_ms *= 2;
    next_look_ms = now_ms() + look_pause_ms;
}

static void give_up(void) {
    for (size_t index = 0; index < used; index += 1) {
        struct entry *entry = &entries[index];
        if (entry->phase == KILLED && entry->due_ms <= now_ms()) entry->phase = UNENDABLE;
    }
}

/* What handlers of TERM started has no one to work for any more. */
static void end_later_ones(void) {
    for (size_t index = 0; index < used; index += 1) {
        enum phase phase = entries[index].phase;
        if (phase == TO_END || phase == TERMED || phase == KILLED) return;
    }
    for (size_t index = 0; index < used; index += 1) {
        if (entries[index].phase == LATER) entries[index].phase = TO_END;
    }
    begin_ending();
}

int go_on_ending(void) {
    size_t ending = 0;
    size_t gone = 0;
    for (size_t index = 0; index < used; index += 1) {
        if (!is_ending(&entries[index])) continue;
        ending += 1;
        gone += is_alive(&entries[index]) ? 0 : 1;
    }
    if (ending == 0) return -1;
    if (gone == ending || next_look_ms <= now_ms()) look_for_more();
    end_later_ones();
    kill_overdue();
    give_up();
    int64_t next = INT64_MAX;
    for (size_t index = 0; index < used; index += 1) {
        if (!is_ending(&entries[index])) continue;
        if (entries[index].due_ms < next) next = entries[index].due_ms;
        if (next_look_ms < next) next = next_look_ms;
    }
    if (next == INT64_MAX) return -1;
    int64_t left = next - now_ms();
    return left < 1 ? 1 : (int)left;
}

size_t take_unendable(uint64_t group, char *text, size_t size) {
    size_t length = 0;
    for (size_t index = used; index-- > 0;) {
        if (entries[index].phase != UNENDABLE || entries[index].client.group != group) continue;
        char number[16];
        int digits = snprintf(number, sizeof number, "%s%d", length == 0 ? "" : ", ", (int)entries[index].client.pid);
        if (length + (size_t)digits <= size) {
            memcpy(text + length, number, (size_t)digits);
            length += (size_t)digits;
        }
        drop_entry(index);
    }
    return length;
}

size_t poll_places(struct pollfd *places, size_t most) {
    size_t count = 0;
    for (size_t index = 0; index < used && count < most; index += 1) {
        if (entries[index].pidfd < 0 || entries[index].gone) continue;
        places[count++] = (struct pollfd){.fd = entries[index].pidfd, .events = POLLIN};
    }
    return count;
}

bool note_exits(const struct pollfd *places, size_t count) {
    bool any = false;
    size_t at = 0;
    for (size_t index = 0; index < used && at < count; index += 1) {
        struct entry *entry = &entries[index];
        if (entry->pidfd < 0 || entry->gone) continue;
        if (places[at].fd == entry->pidfd && places[at].revents != 0) any = entry->gone = true;
        at += 1;
    }
    return any;
}
