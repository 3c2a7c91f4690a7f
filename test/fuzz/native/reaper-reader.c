/*
 * What the daemon tells the reaper, in pieces of any size. What ends processes is left out for their sake: here it only
 * takes down what it is told.
 */
#define main reaper_main
#include "../../../native/reaper/main.c"
#undef main

#include "fuzz.h"

enum { PIECE = 64, MOST_BYTES = 8192 };

static bool is_empty;

void prepare_ending(pid_t daemon) {
    (void)daemon;
}
void watch_client(const struct client *client) {
    CHECK(client->pid > 1);
}
void spare(pid_t pid, uint64_t start) {
    (void)pid, (void)start;
}
void spare_none(void) {}
void forget_client(pid_t pid, uint64_t start) {
    (void)pid, (void)start;
}
void look_around(void) {}
size_t watched(void) {
    return group_count;
}
bool group_is_empty(uint64_t group) {
    (void)group;
    return is_empty;
}
void end_group(uint64_t group) {
    (void)group;
}
void end_all(void) {}
int go_on_ending(void) {
    return -1;
}
size_t take_unendable(uint64_t group, char *text, size_t size) {
    (void)group;
    memset(text, '1', size);
    return size;
}
size_t poll_places(struct pollfd *places, size_t most) {
    (void)places;
    return most == 0 ? 0 : 0;
}
bool note_exits(const struct pollfd *places, size_t count) {
    (void)places;
    return count > 0;
}

static void drop_answers(int fd) {
    static uint8_t bytes[65536];
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) continue;
}

void fuzz_reaper(struct input input) {
    size_t piece = 1 + take_byte(&input) % PIECE * 8;
    struct line line = open_line();
    CHECK(dup2(line.ours, LINE) == LINE);
    group_count = received_bytes = 0;
    if (input.length > MOST_BYTES) input.length = MOST_BYTES;
    for (bool goes_on = true; goes_on && input.length > 0;) {
        size_t length = piece < input.length ? piece : input.length;
        say_all(line.other, (struct input){.at = input.at, .length = length});
        input.at += length;
        input.length -= length;
        goes_on = receive();
        CHECK(received_bytes < sizeof received && group_count <= MOST_GROUPS);
        is_empty = !is_empty;
        answer_ended();
        end_what_is_over();
        drop_answers(line.other);
    }
    close(line.ours);
    close(line.other);
    close(LINE);
}
