/* <string.h>, as far as it is used here. All that is copied or compared is short. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>

/* Without it the compiler makes of a loop that copies a call of the very function that the loop is in. */
#define AS_WRITTEN __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
    for (size_t at = 0; at < length; at += 1) {
        ((uint8_t *)to)[at] = ((const uint8_t *)from)[at];
        AS_WRITTEN;
    }
    return to;
}

void *memset(void *at, int byte, size_t length) {
    for (size_t index = 0; index < length; index += 1) {
        ((uint8_t *)at)[index] = (uint8_t)byte;
        AS_WRITTEN;
    }
    return at;
}

void explicit_bzero(void *at, size_t length) {
    memset(at, 0, length);
}

int memcmp(const void *left, const void *right, size_t length) {
    const uint8_t *a = left;
    const uint8_t *b = right;
    for (; length > 0; a += 1, b += 1, length -= 1) {
        if (*a != *b) return *a - *b;
    }
    return 0;
}

void *memchr(const void *at, int byte, size_t length) {
    for (const uint8_t *here = at; length > 0; here += 1, length -= 1) {
        if (*here == (uint8_t)byte) return (void *)(uintptr_t)here;
    }
    return NULL;
}

size_t strlen(const char *text) {
    size_t length = 0;
    for (; text[length] != '\0'; length += 1) AS_WRITTEN;
    return length;
}

int strncmp(const char *left, const char *right, size_t most) {
    for (size_t at = 0; at < most; at += 1) {
        if (left[at] != right[at]) return (uint8_t)left[at] - (uint8_t)right[at];
        if (left[at] == '\0') break;
    }
    return 0;
}

int strcmp(const char *left, const char *right) {
    return strncmp(left, right, SIZE_MAX);
}

char *strchr(const char *text, int character) {
    for (;; text += 1) {
        if (*text == (char)character) return (char *)(uintptr_t)text;
        if (*text == '\0') return NULL;
    }
}

char *strrchr(const char *text, int character) {
    const char *found = NULL;
    for (;; text += 1) {
        if (*text == (char)character) found = text;
        if (*text == '\0') return (char *)(uintptr_t)found;
    }
}
