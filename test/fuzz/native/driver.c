/*
 * In libFuzzer's place where there is no clang: DRIVER RUNS SEED FILE... runs each file once, and then so many
 * mutations of them. What an input did that broke something is in KUBEGUARD_FUZZ_FOLDER/crash. With RUNS 0 it only
 * runs the files.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { MOST_BYTES = 8192, MOST_FILES = 256, HANG_S = 60, ALARM_EVERY = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t length);

static uint8_t current[MOST_BYTES];
static size_t current_length;
static struct input files[MOST_FILES];
static size_t file_count;
static uint64_t state;

/* xorshift64* */
static uint64_t draw(uint64_t below) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return below == 0 ? 0 : (state * UINT64_C(0x2545f4914f6cdd1d) >> 11) % below;
}

static void keep_crash(void) {
    write_file("/crash", (struct input){.at = current, .length = current_length});
}

static void hang(int number) {
    static const char text[] = "an input hangs\n";
    (void)number;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(1);
    abort();
}

static void run(void) {
    /* A copy of its own size: a look past its end is found. */
    char *input = copy_text((struct input){.at = current, .length = current_length});
    uint8_t *exact = malloc(current_length > 0 ? current_length : 1);
    CHECK(exact != NULL);
    memcpy(exact, input, current_length);
    free(input);
    LLVMFuzzerTestOneInput(exact, current_length);
    free(exact);
}

static void read_file(const char *path) {
    static uint8_t bytes[MOST_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    CHECK(length >= 0 && file_count < MOST_FILES);
    close(fd);
    files[file_count] = (struct input){.at = (uint8_t *)copy_text((struct input){bytes, (size_t)length}),
                                       .length = (size_t)length};
    file_count += 1;
}

static void cut_out(void) {
    size_t from = draw(current_length);
    size_t length = draw(current_length - from + 1);
    memmove(current + from, current + from + length, current_length - from - length);
    current_length -= length;
}

static void put_in(const uint8_t *at, size_t length) {
    size_t place = draw(current_length + 1);
    if (length > MOST_BYTES - current_length) length = MOST_BYTES - current_length;
    memmove(current + place + length, current + place, current_length - place);
    memmove(current + place, at, length);
    current_length += length;
}

static void put_number(void) {
    static const uint32_t odd[] = {0, 1, 7, 8, 9, 255, 256, 4095, 4096, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff};
    uint32_t value = odd[draw(sizeof odd / sizeof odd[0])] + (uint32_t)draw(3) - 1;
    if (current_length < 4) return;
    uint8_t *at = current + draw(current_length - 3);
    for (int byte = 0; byte < 4; byte += 1) at[byte] = (uint8_t)(value >> (24 - 8 * byte));
}

static void mix_in(void) {
    const struct input *other = &files[draw(file_count)];
    size_t from = draw(other->length);
    put_in(other->at + from, draw(other->length - from + 1));
}

static void repeat(void) {
    static uint8_t piece[MOST_BYTES];
    size_t from = draw(current_length);
    size_t length = draw(current_length - from + 1);
    memcpy(piece, current + from, length);
    for (uint64_t times = 1 + draw(8); times > 0; times -= 1) put_in(piece, length);
}

static void mutate(void) {
    static const uint8_t odd[] = {0, 1, '\n', '"', '\\', '-', '=', '/', ':', '{', '}', 0x1b, 0x7f, 0x80, 0xc2, 0xe2, 0xff};
    uint8_t byte = draw(2) == 0 ? (uint8_t)draw(256) : odd[draw(sizeof odd)];
    switch (draw(7)) {
    case 0:
        if (current_length > 0) current[draw(current_length)] ^= (uint8_t)(1u << draw(8));
        break;
    case 1:
        if (current_length > 0) current[draw(current_length)] = byte;
        break;
    case 2:
        put_in(&byte, 1);
        break;
    case 3:
        cut_out();
        break;
    case 4:
        put_number();
        break;
    case 5:
        mix_in();
        break;
    default:
        repeat();
    }
}

int main(int argc, char *argv[]) {
    if (argc < 4) return 64;
    uint64_t runs = strtoull(argv[1], NULL, 10);
    state = strtoull(argv[2], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    __sanitizer_set_death_callback(keep_crash);
    signal(SIGALRM, hang);
    for (int index = 3; index < argc; index += 1) read_file(argv[index]);
    alarm(HANG_S);
    for (uint64_t number = 0; number < file_count + runs; number += 1) {
        const struct input *base = &files[number < file_count ? number : draw(file_count)];
        current_length = base->length;
        memcpy(current, base->at, base->length);
        for (uint64_t times = number < file_count ? 0 : 1 + draw(5); times > 0; times -= 1) mutate();
        run();
        if (number % ALARM_EVERY == 0) alarm(HANG_S);
    }
    printf("%llu runs\n", (unsigned long long)(file_count + runs));
    return 0;
}
