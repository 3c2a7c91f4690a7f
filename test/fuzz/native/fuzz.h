/* What reads bytes of somebody else's in native/, each as a function of bytes. KUBEGUARD_FUZZ chooses one. */
#ifndef KG_FUZZ_H
#define KG_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A promise of the code under test. assert(3) would go with NDEBUG. */
#define CHECK(promise)                                                                                           \
    do {                                                                                                         \
        if (promise) break;                                                                                      \
        fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #promise);                            \
        abort();                                                                                                 \
    } while (0)

struct input {
    const uint8_t *at;
    size_t length;
};

void fuzz_reply(struct input input);
void fuzz_reaper(struct input input);
void fuzz_news(struct input input);
void fuzz_screen(struct input input);
void fuzz_terminal(struct input input);
void fuzz_said(struct input input);
void fuzz_exec_info(struct input input);
void fuzz_foreign(struct input input);
void fuzz_lock_file(struct input input);
void fuzz_status_file(struct input input);
void fuzz_proc(struct input input);

/* One byte of the input, which chooses what is done with the rest; 0 where there is none. */
uint8_t take_byte(struct input *input);

/* A copy with a NUL behind it, exactly as long: a look past its end is found. */
char *copy_text(struct input input);

/* A stream socket on which `other` has sent the input, and says no more. Close both. */
struct line {
    int ours;
    int other;
};
struct line open_line(void);
void say_all(int fd, struct input input);

/* A file in a folder of this run with the input in it. `name` such as "/status". Returns its path. */
const char *write_file(const char *name, struct input input);

/* That folder. */
const char *fuzz_folder(void);

#endif
