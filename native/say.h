/* What is said to people, on standard error. */
#ifndef KG_SAY_H
#define KG_SAY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The credential plugin says everything in one line: client-go shows its standard error as it is, and some
 * clients mix it into standard output.
 */
void say_in_one_line(bool one_line);

/*
 * Prints lines that came from elsewhere: without control characters, with "kubeguard: " before the first
 * unless it is there already. Nothing for an empty text.
 */
void say_text(const char *text, size_t length);

/*
 * After a write(2) that failed: is it worth another try? A pipe that somebody made non-blocking is waited
 * for, but not for ever.
 */
bool may_write_on(int fd);

/* Prints a message of our own and its cure, and ends this process. */
_Noreturn void fail(int exit_code, const char *message, const char *cure);

/* As `fail`, with what the message is about before it, such as a path. */
_Noreturn void fail_about(int exit_code, const char *about, const char *message, const char *cure);

#endif
