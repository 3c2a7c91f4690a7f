/*
 * Reads blocks, each a length in one byte and that many bytes, as reads of a terminal; says of each what becomes of it:
 * y typed, n not; then, of its escape, p passed on, r released, i itself, k held (kept back), l t h what was asked for.
 */
#include <stdio.h>

#include "../../../native/supervisor/escape.h"
#include "../../../native/supervisor/keys.h"

static char letter(enum escape_verdict verdict, const char *command) {
    static const char of[] = {[ESCAPE_PASS] = 'p', [ESCAPE_RELEASE] = 'r', [ESCAPE_ITSELF] = 'i'};
    if (verdict != ESCAPE_TAKE) return of[verdict];
    return command == NULL ? 'k' : command[0];
}

int main(void) {
    struct keys keys = {0};
    struct escape escape = {.key = '~'};
    unsigned char block[256];
    for (int length = getchar(); length != EOF; length = getchar()) {
        if (length == 255) {
            keys = (struct keys){0};
            escape = (struct escape){.key = '~'};
            continue;
        }
        if (fread(block, 1, (size_t)length, stdin) != (size_t)length) return 1;
        bool begins = keys_at_line_start(&keys);
        bool typed = keys_typed(&keys, block, (size_t)length);
        const char *command;
        enum escape_verdict verdict = escape_look(&escape, begins, typed, block, (size_t)length, &command);
        if (verdict == ESCAPE_TAKE && command != NULL) keys.within_line = false;
        putchar(typed ? 'y' : 'n');
        putchar(letter(verdict, command));
    }
    return 0;
}
