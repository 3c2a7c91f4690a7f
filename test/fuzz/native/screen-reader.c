/* What the process that follows a screen answers, and what a program and a person send through a supervisor. */
#include "../../../native/supervisor/screen.c"

#include "../../../native/supervisor/escape.h"
#include "../../../native/supervisor/keys.h"
#include "../../../native/supervisor/modes.h"
#include "fuzz.h"

void fuzz_screen(struct input input) {
    struct line line = open_line();
    struct screen screen = {.line = line.ours, .drawn = -1, .asked = true};
    struct drawn drawn;
    say_all(line.other, input);
    shutdown(line.other, SHUT_WR);
    while (screen_read(&screen, &drawn)) {
        CHECK(!screen.asked);
        screen.asked = true;
    }
    close(line.ours);
    close(line.other);
}

static void check_modes(const struct modes *modes) {
    static char text[UNDO_BYTES];
    struct modes covered = *modes;
    covered.covered = true;
    CHECK(modes_undo(modes, text) < UNDO_BYTES && modes_undo(&covered, text) < UNDO_BYTES);
    CHECK(modes_put_aside(modes, text) < UNDO_BYTES && modes_redo(modes, text) < UNDO_BYTES);
}

/* Where a read ends says nothing: in one piece and in two it comes to the same. */
void fuzz_terminal(struct input input) {
    struct modes modes, modes_in_two;
    struct keys keys, keys_in_two;
    memset(&modes, 0, sizeof modes), memset(&modes_in_two, 0, sizeof modes_in_two);
    memset(&keys, 0, sizeof keys), memset(&keys_in_two, 0, sizeof keys_in_two);
    struct escape escape = {.key = take_byte(&input)};
    size_t first = take_byte(&input);
    if (first > input.length) first = input.length;

    modes_read(&modes, input.at, input.length);
    modes_read(&modes_in_two, input.at, first);
    check_modes(&modes_in_two);
    modes_read(&modes_in_two, input.at + first, input.length - first);
    CHECK(memcmp(&modes, &modes_in_two, sizeof modes) == 0);
    check_modes(&modes);

    bool typed = keys_typed(&keys, input.at, input.length);
    bool begins = keys_at_line_start(&keys_in_two);
    bool typed_first = keys_typed(&keys_in_two, input.at, first);
    const char *command;
    if (first > 0) escape_look(&escape, begins, typed_first, input.at, first, &command);
    begins = keys_at_line_start(&keys_in_two);
    bool typed_then = keys_typed(&keys_in_two, input.at + first, input.length - first);
    if (first < input.length) {
        escape_look(&escape, begins, typed_then, input.at + first, input.length - first, &command);
    }
    CHECK(typed == (typed_first || typed_then) && memcmp(&keys, &keys_in_two, sizeof keys) == 0);
}
