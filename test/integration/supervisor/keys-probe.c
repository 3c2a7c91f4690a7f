/* Reads blocks, each a length in one byte and that many bytes; says of each whether it was typed. */
#include <stdio.h>

#include "../../../native/supervisor/keys.h"

int main(void) {
    struct keys keys = {0};
    unsigned char block[256];
    for (int length = getchar(); length != EOF; length = getchar()) {
        if (length == 255) {
            keys = (struct keys){0};
            continue;
        }
        if (fread(block, 1, (size_t)length, stdin) != (size_t)length) return 1;
        putchar(keys_typed(&keys, block, (size_t)length) ? 'y' : 'n');
    }
    return 0;
}
