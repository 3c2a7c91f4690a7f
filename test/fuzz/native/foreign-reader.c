/* What a keeper says of a plugin to be run: its name, its arguments, its environment. */
#include "../../../native/foreign.c"

#include "fuzz.h"

static size_t count_ends(struct bytes texts) {
    size_t count = 0;
    for (size_t at = 0; at < texts.length; at += 1) count += texts.at[at] == '\0';
    return count;
}

void fuzz_foreign(struct input input) {
    static char *words[65];
    static char path[PATH_MAX];
    size_t most = take_byte(&input) % 64;
    struct bytes texts = {.at = input.at, .length = input.length};
    size_t count = cut(texts, words, most);
    CHECK(count <= most && (count == 0 || count == count_ends(texts)));
    for (size_t index = 0; index < count; index += 1) {
        const uint8_t *word = (const uint8_t *)words[index];
        CHECK(word >= input.at && word + strlen(words[index]) < input.at + input.length);
    }
    char **variables = environment_for(texts);
    CHECK(value_of(variables, "PATH") != NULL);
    if (input.length > 0 && find_program(texts, path)) CHECK(strlen(path) < sizeof path);
}
