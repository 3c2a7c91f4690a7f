/* What shim and credential plugin have in common: a request to the daemon, and what becomes of its answer. */
#ifndef KG_ASK_H
#define KG_ASK_H

#include "child.h"
#include "wire.h"

/* The fields that every verdict has; the same tags in each reply. */
enum verdict { VERDICT_ALLOW, VERDICT_CHALLENGE };

/*
 * Sends the request that was begun and returns the verdict; `fields` are the reply's. Starts the daemon where
 * none answers. A denial, an error, no answer: says so and ends this process.
 */
enum verdict ask_daemon(const struct reply_form *form, struct bytes fields[REPLY_TAGS]);

/* Ends this process with what the error reply says. */
_Noreturn void fail_refused(const struct bytes fields[REPLY_TAGS]);

/* Ends this process for an exchange that gave no answer. */
_Noreturn void fail_exchange(enum exchange_result result);

/* The policy that a challenge names, as an argument for a command line. */
const char *challenged_policy(const struct bytes fields[REPLY_TAGS]);

#endif
