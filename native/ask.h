/* What shim and credential plugin have in common: a request to the daemon, and what becomes of its answer. */
#ifndef KG_ASK_H
#define KG_ASK_H

#include "child.h"
#include "wire.h"

/* What has become of this request so far: the flags that a challenge and a wait end with. */
struct so_far {
    bool asked;
    bool waits;
};

/* Begins the request and adds its fields; ends this process where they don't fit. */
typedef void begin_request(const void *what, struct so_far so_far);

/*
 * Asks until it is no more a matter of waiting for somebody else's prompt, and returns whether it is allowed; else
 * it is challenged. `fields` are the reply's. Starts the daemon where none answers. A denial, an error, no answer:
 * says so and ends this process.
 */
bool ask_daemon(const struct reply_form *form, begin_request *begin, const void *what, bool asked,
                struct bytes fields[REPLY_TAGS]);

/* Says what the error reply says. */
void say_refused(const struct bytes fields[REPLY_TAGS]);

/* The same, and ends this process with its exit code. */
_Noreturn void fail_refused(const struct bytes fields[REPLY_TAGS]);

/* Ends this process for an exchange that gave no answer. */
_Noreturn void fail_exchange(enum exchange_result result);

/* The policy that a challenge names, as an argument for a command line. */
const char *challenged_policy(const struct bytes fields[REPLY_TAGS]);

#endif
