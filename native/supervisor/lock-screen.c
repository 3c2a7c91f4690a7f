#define _GNU_SOURCE
#include "lock-screen.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* XTWINOPS and the keyboard protocol of kitty have stacks: what was there is found again below. */
#define TITLE "\033[22;2t\033]2;kubeguard: locked\a"
#define TITLE_BACK "\033[23;2t"
#define PLAIN_KEYS "\033[>0u"
#define KEYS_BACK "\033[<1u"
/* No scrolling region, origin, inserting or other characters: the lines and what is restored need a usual terminal. */
#define USUAL "\033[0m\033[r\033[?6l\033[?7h\033[4l\033(B\017"
#define CANCEL "\030"

enum { PATIENCE_MS = 300, MOST_NAME = 64, MOST_DRAWN = 4 * COVER_BYTES };

bool write_all(const struct outer *outer, const char *text, size_t length) {
    struct pollfd room = {.fd = outer->fd, .events = POLLOUT};
    while (length > 0) {
        ssize_t put = write(outer->fd, text, length);
        if (put > 0) {
            text += put;
            length -= (size_t)put;
        } else if (put == 0 || (errno != EAGAIN && errno != EINTR) || poll(&room, 1, PATIENCE_MS) <= 0) return false;
    }
    return true;
}

bool lock_screen_raise(const struct outer *outer, struct modes *modes) {
    static const char take_over[] = TITLE PLAIN_KEYS USUAL "\033[?25l";
    char aside[UNDO_BYTES];
    size_t length = modes_put_aside(modes, aside);
    if (!write_all(outer, CANCEL, 1) || !write_all(outer, aside, length)) return false;
    /* The alternate screen that the program has is the one we take; the main one is left as it is. */
    if (!modes_on_alternate(modes) && !write_all(outer, "\033[?1049h", 8)) return false;
    modes->covered = true;
    return write_all(outer, take_over, sizeof take_over - 1);
}

size_t lock_screen_lower(char lower[LOWER_BYTES]) {
    static const char away[] = KEYS_BACK TITLE_BACK "\033[?1049l" USUAL "\033[?25l\033[H\033[2J";
    memcpy(lower, away, sizeof away - 1);
    return sizeof away - 1;
}

static size_t width_of(const char *line, size_t length) {
    size_t width = 0;
    for (size_t at = 0; at < length; at += 1) width += ((unsigned char)line[at] & 0xc0) != 0x80;
    return width;
}

/* The daemon's text is clean; looking costs nothing. */
static void clean(char *into, const char *line, size_t length) {
    for (size_t at = 0; at < length; at += 1) {
        unsigned char byte = (unsigned char)line[at];
        bool c1 = byte == 0xc2 && at + 1 < length && (unsigned char)line[at + 1] < 0xa0;
        into[at] = byte < 0x20 || byte == 0x7f || c1 ? ' ' : line[at];
        if (c1) into[at += 1] = ' ';
    }
}

struct drawing {
    char text[MOST_DRAWN];
    size_t length;
};

static void put(struct drawing *drawing, const char *text, size_t length) {
    if (length > MOST_DRAWN - drawing->length) return;
    memcpy(drawing->text + drawing->length, text, length);
    drawing->length += length;
}

static void put_line(struct drawing *drawing, const char *line, size_t length, unsigned columns) {
    char indent[16];
    char cleaned[COVER_BYTES];
    if (length > sizeof cleaned) length = sizeof cleaned;
    size_t width = width_of(line, length);
    unsigned left = width < columns ? (unsigned)((columns - width) / 2) : 0;
    int indented = left == 0 ? 0 : snprintf(indent, sizeof indent, "\033[%uC", left);
    put(drawing, indent, (size_t)indented);
    clean(cleaned, line, length);
    put(drawing, cleaned, length);
    put(drawing, "\r\n", 2);
}

static void put_who(struct drawing *drawing, unsigned columns) {
    char host[MOST_NAME + 1] = "";
    char line[4 * MOST_NAME];
    const struct passwd *account = getpwuid(getuid());
    gethostname(host, MOST_NAME);
    int length = snprintf(line, sizeof line, "%.*s@%s", MOST_NAME, account == NULL ? "?" : account->pw_name, host);
    put_line(drawing, line, (size_t)length, columns);
}

static unsigned lines_in(const char *text) {
    unsigned lines = 1;
    for (; *text != '\0'; text += 1) lines += *text == '\n';
    return lines;
}

bool lock_screen_draw(const struct outer *outer, const char *lines) {
    static struct drawing drawing;
    struct winsize size = {0};
    ioctl(outer->fd, TIOCGWINSZ, &size);
    unsigned height = lines_in(lines) + 1;
    char begin[32];
    unsigned top = size.ws_row > height + 3 ? (size.ws_row - height) / 2 : 1;
    drawing.length = 0;
    put(&drawing, begin, (size_t)snprintf(begin, sizeof begin, "\033[?25l\033[2J\033[%uH", top));
    put_who(&drawing, size.ws_col);
    for (const char *line = lines; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        put_line(&drawing, line, length, size.ws_col);
        line += length + (line[length] == '\n');
    }
    return write_all(outer, drawing.text, drawing.length);
}

bool lock_screen_begin_question(const struct outer *outer) {
    static const char text[] = "\r\n\033[?25h";
    return write_all(outer, text, sizeof text - 1);
}
