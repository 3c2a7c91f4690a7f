#define _GNU_SOURCE
#include "wrapped.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "foreign.h"
#include "protocol.h"
#include "say.h"

extern char **environ;

static _Noreturn void fail_ended(void) {
    fail(KG_EXIT_TICKET_REFUSED, "the session ended before the credential came", KG_CURE_TICKET_REFUSED);
}

/* The keeper ends with its session. */
static void ask_keeper(int keeper, const struct reply_form *form, struct bytes fields[REPLY_TAGS]) {
    enum exchange_result result = exchange(keeper, form, fields);
    if (result == EXCHANGE_REFUSED) fail_refused(fields);
    if (result == EXCHANGE_GONE) fail_ended();
    if (result != EXCHANGED) fail_exchange(result);
}

static void share(int keeper, const char *api_version, struct bytes fields[REPLY_TAGS]) {
    static const uint32_t limits[] = KG_KEEPER_SHARE_REPLY_LIMITS;
    static const struct reply_form form = {KG_KEEPER_SHARE_REPLY, KG_KEEPER_SHARE_REPLY_TAGS, limits};
    static char cwd[PATH_MAX];
    if (getcwd(cwd, sizeof cwd) == NULL) cwd[0] = '\0';
    request_begin(KG_KEEPER_SHARE);
    bool fits = request_add_text(KG_KEEPER_SHARE_API_VERSION, api_version, KG_KEEPER_SHARE_API_VERSION_MAX);
    for (char **variable = environ; *variable != NULL; variable += 1) {
        fits = fits && request_add_text(KG_KEEPER_SHARE_ENVIRONMENT, *variable, KG_KEEPER_SHARE_ENVIRONMENT_MAX);
    }
    fits = fits && request_add_text(KG_KEEPER_SHARE_CWD, cwd, KG_KEEPER_SHARE_CWD_MAX);
    fits = fits && request_add_uint(KG_KEEPER_SHARE_TTYS, standard_terminals());
    if (!fits) fail(KG_EXIT_USAGE, "the environment is too large for kubeguard", "unset what is not needed");
    ask_keeper(keeper, &form, fields);
}

static void wait_for_turn(struct bytes pause_field) {
    uint64_t pause_ms = field_uint(pause_field, 0);
    if (pause_ms > KG_LIMIT_FRAME_TIMEOUT_MS) pause_ms = KG_LIMIT_FRAME_TIMEOUT_MS;
    struct timespec pause = {.tv_sec = (time_t)(pause_ms / 1000), .tv_nsec = (long)(pause_ms % 1000) * 1000000L};
    if (pause_ms > 0) nanosleep(&pause, NULL);
}

/* What it says goes back to the keeper, and nowhere else: a session that has ended takes it to nobody. */
static struct bytes run_and_deliver(int keeper, const struct bytes word[REPLY_TAGS]) {
    static const uint32_t limits[] = KG_KEEPER_DELIVER_REPLY_LIMITS;
    static const struct reply_form form = {KG_KEEPER_DELIVER_REPLY, KG_KEEPER_DELIVER_REPLY_TAGS, limits};
    struct foreign_run run = {
        .program = word[KG_KEEPER_SHARE_REPLY_PROGRAM],
        .argv = word[KG_KEEPER_SHARE_REPLY_ARGV],
        .environment = word[KG_KEEPER_SHARE_REPLY_ENVIRONMENT],
        .limit_ms = field_uint(word[KG_KEEPER_SHARE_REPLY_LIMIT_MS], 0),
        .interactive = word[KG_KEEPER_SHARE_REPLY_INTERACTIVE].at != NULL,
    };
    struct bytes fields[REPLY_TAGS];
    if (run.argv.at == NULL || run.environment.at == NULL) fail_exchange(EXCHANGE_UNREADABLE);
    run_foreign(&run, keeper);
    if (run.keeper_gone) fail_ended();
    request_begin(KG_KEEPER_DELIVER);
    request_add_text(KG_KEEPER_DELIVER_OUTCOME, run.outcome, KG_KEEPER_DELIVER_OUTCOME_MAX);
    request_add_uint(KG_KEEPER_DELIVER_CODE, run.code);
    request_add(KG_KEEPER_DELIVER_OUTPUT, run.output.at, run.output.length, KG_KEEPER_DELIVER_OUTPUT_MAX);
    enum exchange_result result = exchange(keeper, &form, fields);
    explicit_bzero((void *)(uintptr_t)run.output.at, run.output.length);
    if (result == EXCHANGE_GONE) fail_ended();
    bool failed = strcmp(run.outcome, "exited") == 0 && run.code != 0;
    /* Clients show the plugin's exit code: as if the keeper were not there. */
    if (result == EXCHANGE_REFUSED && failed) say_refused(fields), exit((int)run.code);
    if (result == EXCHANGE_REFUSED) fail_refused(fields);
    if (result != EXCHANGED) fail_exchange(result);
    return fields[KG_KEEPER_DELIVER_REPLY_EXEC_CREDENTIAL];
}

struct bytes fetch_wrapped(int keeper, const char *api_version) {
    struct bytes fields[REPLY_TAGS];
    for (;;) {
        share(keeper, api_version, fields);
        if (fields[KG_KEEPER_SHARE_REPLY_EXEC_CREDENTIAL].at != NULL) {
            return fields[KG_KEEPER_SHARE_REPLY_EXEC_CREDENTIAL];
        }
        if (fields[KG_KEEPER_SHARE_REPLY_PROGRAM].at != NULL) return run_and_deliver(keeper, fields);
        wait_for_turn(fields[KG_KEEPER_SHARE_REPLY_PAUSE_MS]);
    }
}
