/* Stands in for kubectl where only what surrounds it is measured: exec -it POD -- echo | flood MEGABYTES | nothing. */
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int echo(void) {
    struct termios settings;
    char bytes[4096];
    tcgetattr(0, &settings);
    cfmakeraw(&settings);
    tcsetattr(0, TCSANOW, &settings);
    if (write(1, "!", 1) != 1) return 1;
    for (;;) {
        ssize_t got = read(0, bytes, sizeof bytes);
        if (got <= 0 || bytes[0] == 'q') return 0;
        if (write(1, bytes, (size_t)got) != got) return 1;
    }
}

static int flood(long bytes) {
    static char line[8192];
    for (size_t at = 0; at < sizeof line; at += 1) line[at] = at % 80 == 79 ? '\n' : (char)('a' + at % 26);
    while (bytes > 0) {
        ssize_t put = write(1, line, sizeof line);
        if (put <= 0) return 1;
        bytes -= put;
    }
    return 0;
}

int main(int argc, char *argv[]) {
    const char *what = argc > 5 ? argv[5] : "";
    if (strcmp(what, "echo") == 0) return echo();
    if (strcmp(what, "flood") == 0) return flood(atol(argv[6]) * 1000000);
    return 0;
}
