#define _GNU_SOURCE
#include "ask.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "places.h"
#include "protocol.h"
#include "say.h"

/* shim and plugin read a verdict by the same tags. */
enum {
    VERDICT = KG_GATE_CHECK_REPLY_VERDICT,
    POLICY = KG_GATE_CHECK_REPLY_POLICY,
    MESSAGE = KG_GATE_CHECK_REPLY_MESSAGE,
    EXIT_CODE = KG_GATE_CHECK_REPLY_EXIT_CODE,
};
_Static_assert(VERDICT == KG_CREDENTIAL_ISSUE_REPLY_VERDICT, "verdict");
_Static_assert(POLICY == KG_CREDENTIAL_ISSUE_REPLY_POLICY, "policy");
_Static_assert(MESSAGE == KG_CREDENTIAL_ISSUE_REPLY_MESSAGE, "message");
_Static_assert(EXIT_CODE == KG_CREDENTIAL_ISSUE_REPLY_EXIT_CODE, "exitCode");

static int exit_code_of(struct bytes field, int otherwise) {
    uint64_t code = field_uint(field, (uint64_t)otherwise);
    return code <= 255 ? (int)code : otherwise;
}

void say_refused(const struct bytes fields[REPLY_TAGS]) {
    static char text[KG_ERROR_MESSAGE_MAX + 1 + KG_ERROR_CURE_MAX];
    struct bytes message = fields[KG_ERROR_MESSAGE];
    struct bytes cure = fields[KG_ERROR_CURE];
    memcpy(text, message.at, message.length);
    text[message.length] = '\n';
    memcpy(text + message.length + 1, cure.at, cure.length);
    say_text(text, message.length + 1 + cure.length);
}

void fail_refused(const struct bytes fields[REPLY_TAGS]) {
    say_refused(fields);
    exit(exit_code_of(fields[KG_ERROR_EXIT_CODE], KG_EXIT_PROTOCOL_ERROR));
}

void fail_exchange(enum exchange_result result) {
    if (result == EXCHANGE_OTHER_VERSION) {
        fail(KG_EXIT_VERSION_MISMATCH, "the daemon is of another version than this command",
             KG_CURE_VERSION_MISMATCH);
    }
    if (result == EXCHANGE_UNREADABLE) {
        fail(KG_EXIT_PROTOCOL_ERROR, "the daemon’s answer can’t be read", KG_CURE_PROTOCOL_ERROR);
    }
    if (result == EXCHANGE_LATE) {
        fail(KG_EXIT_DAEMON_UNREACHABLE, "the daemon doesn’t answer", KG_CURE_DAEMON_UNREACHABLE);
    }
    fail(KG_EXIT_DAEMON_UNREACHABLE, "the daemon can’t be reached or started", KG_CURE_DAEMON_UNREACHABLE);
}

static enum exchange_result try_daemon(const struct reply_form *form, struct bytes fields[REPLY_TAGS]) {
    int fd = connect_daemon();
    if (fd < 0) return EXCHANGE_GONE;
    enum exchange_result result = exchange(fd, form, fields);
    close(fd);
    return result;
}

static _Noreturn void fail_denied(const struct bytes fields[REPLY_TAGS]) {
    struct bytes message = fields[MESSAGE];
    if (message.at != NULL) say_text((const char *)message.at, message.length);
    exit(exit_code_of(fields[EXIT_CODE], KG_EXIT_LOCKED));
}

/* No one there, or one that is just ending: start it once, whoever wins that race, and ask again. */
static enum exchange_result start_and_try(const struct reply_form *form, struct bytes fields[REPLY_TAGS]) {
    struct bytes complaint;
    int code = start_daemon(&complaint);
    if (code == 0) return try_daemon(form, fields);
    if (complaint.length == 0) fail_exchange(EXCHANGE_GONE);
    say_text((const char *)complaint.at, complaint.length);
    exit(code);
}

bool ask_daemon(const struct reply_form *form, begin_request *begin, const void *what, bool asked,
                struct bytes fields[REPLY_TAGS]) {
    for (bool waits = false;; waits = true) {
        begin(what, (struct so_far){.asked = asked, .waits = waits});
        enum exchange_result result = try_daemon(form, fields);
        /* A daemon that ends while many wait for it is not to be started by each of them. */
        if (result == EXCHANGE_GONE && !waits) result = start_and_try(form, fields);
        if (result == EXCHANGE_REFUSED) fail_refused(fields);
        if (result != EXCHANGED) fail_exchange(result);
        if (field_is(fields[VERDICT], "allow")) return true;
        if (field_is(fields[VERDICT], "challenge")) return false;
        if (field_is(fields[VERDICT], "deny")) fail_denied(fields);
        if (!field_is(fields[VERDICT], "wait")) fail_exchange(EXCHANGE_UNREADABLE);
        if (fields[MESSAGE].at != NULL) say_text((const char *)fields[MESSAGE].at, fields[MESSAGE].length);
    }
}

static bool is_name(struct bytes text) {
    if (text.at == NULL || text.length == 0) return false;
    for (size_t index = 0; index < text.length; index += 1) {
        uint8_t c = text.at[index];
        bool inner = index > 0 && (c == '.' || c == '_' || c == '-');
        if (!inner && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) return false;
    }
    return true;
}

const char *challenged_policy(const struct bytes fields[REPLY_TAGS]) {
    static char policy[KG_GATE_CHECK_REPLY_POLICY_MAX + 1];
    /* It becomes an argument: a name can't be taken for a flag. */
    if (!is_name(fields[POLICY])) fail_exchange(EXCHANGE_UNREADABLE);
    memcpy(policy, fields[POLICY].at, fields[POLICY].length);
    policy[fields[POLICY].length] = '\0';
    return policy;
}
