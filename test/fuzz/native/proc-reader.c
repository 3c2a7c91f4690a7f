/* What /proc says of a process: its name and its command line are that process's own words. */
#include "../../../native/reaper/process.c"

#include "fuzz.h"

void fuzz_proc(struct input input) {
    char name[NAME_BYTES];
    struct process found;
    char *text = copy_text(input);
    if (parse_stat(text, &found)) CHECK(strchr(text, ')') != NULL);
    reads_commands_from_person(text, input.length);
    is_session_keeper(text);
    is_one_of(shells, text);
    program_of(-1, text, name, sizeof name);
    CHECK(strlen(name) < sizeof name);
    free(text);
}
