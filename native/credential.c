#define _GNU_SOURCE
#include "credential.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ask.h"
#include "exec-info.h"
#include "places.h"
#include "protocol.h"
#include "say.h"
#include "wrapped.h"

struct wanted {
    const char *policy;
    const char *credential;
};

static const char *option_value(const char *name, char *argv[], int *index) {
    size_t length = strlen(name);
    const char *argument = argv[*index];
    if (strncmp(argument, name, length) != 0) return NULL;
    if (argument[length] == '=') return argument + length + 1;
    if (argument[length] != '\0' || argv[*index + 1] == NULL) return NULL;
    *index += 1;
    return argv[*index];
}

static struct wanted read_arguments(int argc, char *argv[]) {
    struct wanted wanted = {NULL, NULL};
    bool understood = true;
    for (int index = 1; index < argc; index += 1) {
        const char *policy = option_value("--policy", argv, &index);
        const char *credential = policy == NULL ? option_value("--credential", argv, &index) : NULL;
        if (policy != NULL) wanted.policy = policy;
        else if (credential != NULL) wanted.credential = credential;
        else understood = false;
    }
    if (!understood || wanted.policy == NULL || wanted.credential == NULL) {
        fail(KG_EXIT_USAGE, "usage: kubeguard-credential --policy POLICY --credential ID",
             "kubeconfig calls it; run: kubeguard adopt");
    }
    return wanted;
}

/* No core dump of a process that has had a credential, and no debugger at it. */
static void shut_in(void) {
    static const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

struct grant {
    char socket[PATH_MAX];
    uint8_t ticket[KG_KEEPER_ISSUE_TICKET_MAX];
    size_t ticket_length;
};

static void begin_asking(const void *what, struct so_far so_far) {
    const struct wanted *wanted = what;
    const char *credential = wanted->credential;
    const char *policy = wanted->policy;
    request_begin(KG_CREDENTIAL_ISSUE);
    bool fits = request_add_text(KG_CREDENTIAL_ISSUE_CREDENTIAL, credential, KG_CREDENTIAL_ISSUE_CREDENTIAL_MAX);
    fits = fits && request_add_text(KG_CREDENTIAL_ISSUE_POLICY, policy, KG_CREDENTIAL_ISSUE_POLICY_MAX);
    fits = fits && request_add_uint(KG_CREDENTIAL_ISSUE_TTYS, standard_terminals());
    fits = fits && request_add_flag(KG_CREDENTIAL_ISSUE_MAY_ASK, may_ask());
    fits = fits && request_add_flag(KG_CREDENTIAL_ISSUE_ASKED, so_far.asked);
    fits = fits && request_add_flag(KG_CREDENTIAL_ISSUE_MAY_WAIT, may_wait());
    fits = fits && request_add_flag(KG_CREDENTIAL_ISSUE_WAITS, so_far.waits);
    if (!fits) fail(KG_EXIT_USAGE, "the policy or credential name is too long", "run: kubeguard adopt");
}

static void keep_grant(const struct bytes fields[REPLY_TAGS], struct grant *grant) {
    struct bytes socket = fields[KG_CREDENTIAL_ISSUE_REPLY_SOCKET];
    struct bytes ticket = fields[KG_CREDENTIAL_ISSUE_REPLY_TICKET];
    if (socket.at == NULL || socket.length == 0 || socket.length >= sizeof grant->socket || ticket.at == NULL ||
        memchr(socket.at, '\0', socket.length) != NULL) {
        fail_exchange(EXCHANGE_UNREADABLE);
    }
    memcpy(grant->socket, socket.at, socket.length);
    grant->socket[socket.length] = '\0';
    memcpy(grant->ticket, ticket.at, ticket.length);
    grant->ticket_length = ticket.length;
}

/*
 * Asks until the daemon allows it, with at most one prompt. A failed prompt has told the person why, on the
 * terminal; the daemon's second answer is the one line for the client. Where the same Ctrl-C ended the client,
 * nobody is left who needs it.
 */
static void obtain_grant(const struct wanted *wanted, struct grant *grant) {
    static const uint32_t limits[] = KG_CREDENTIAL_ISSUE_REPLY_LIMITS;
    static const struct reply_form form = {KG_CREDENTIAL_ISSUE_REPLY, KG_CREDENTIAL_ISSUE_REPLY_TAGS, limits};
    struct bytes fields[REPLY_TAGS];
    if (!ask_daemon(&form, begin_asking, wanted, false, fields)) {
        pid_t client = getppid();
        int code = run_unlock(challenged_policy(fields), ERRORS_TO_TERMINAL);
        if (code != 0 && getppid() != client) _exit(KG_EXIT_LOCKED);
        if (!ask_daemon(&form, begin_asking, wanted, true, fields)) {
            fail(KG_EXIT_LOCKED, "still locked after the unlock", KG_CURE_LOCKED);
        }
    }
    shut_in();
    keep_grant(fields, grant);
    wipe_reply();
}

static bool print_all(struct bytes document) {
    while (document.length > 0) {
        ssize_t written = write(STDOUT_FILENO, document.at, document.length);
        if (written < 0 && may_write_on(STDOUT_FILENO)) continue;
        if (written <= 0) return false;
        document.at += written;
        document.length -= (size_t)written;
    }
    return true;
}

static void print_document(struct bytes document) {
    if (document.at == NULL) fail_exchange(EXCHANGE_UNREADABLE);
    bool printed = print_all(document);
    wipe_reply();
    if (!printed) fail(1, "the credential can’t be written to standard output", KG_CURE_TICKET_REFUSED);
}

static bool add_version(uint8_t tag, size_t most) {
    return request_add_text(tag, exec_info_version(getenv("KUBERNETES_EXEC_INFO")), most);
}

/* The keeper ends with its session: then it is gone between the two answers. */
static void print_credential(struct grant *grant) {
    static const uint32_t limits[] = KG_KEEPER_ISSUE_REPLY_LIMITS;
    static const struct reply_form form = {KG_KEEPER_ISSUE_REPLY, KG_KEEPER_ISSUE_REPLY_TAGS, limits};
    struct bytes fields[REPLY_TAGS];
    const char *api_version = exec_info_version(getenv("KUBERNETES_EXEC_INFO"));
    int fd = connect_own(grant->socket);
    request_begin(KG_KEEPER_ISSUE);
    request_add(KG_KEEPER_ISSUE_TICKET, grant->ticket, grant->ticket_length, KG_KEEPER_ISSUE_TICKET_MAX);
    request_add_text(KG_KEEPER_ISSUE_API_VERSION, api_version, KG_KEEPER_ISSUE_API_VERSION_MAX);
    enum exchange_result result = fd < 0 ? EXCHANGE_GONE : exchange(fd, &form, fields);
    explicit_bzero(grant, sizeof *grant);
    if (result == EXCHANGE_REFUSED) fail_refused(fields);
    if (result == EXCHANGE_GONE) {
        fail(KG_EXIT_TICKET_REFUSED, "the session ended before the credential came", KG_CURE_TICKET_REFUSED);
    }
    if (result != EXCHANGED) fail_exchange(result);
    struct bytes document = fields[KG_KEEPER_ISSUE_REPLY_EXEC_CREDENTIAL];
    print_document(document.at == NULL ? fetch_wrapped(fd, api_version) : document);
}

/*
 * Where the daemon has vouched for the client, its session's keeper gives the credential without more. False where it
 * does not, for whatever reason: then the daemon is asked, and says why not.
 */
static bool print_vouched_for(const struct wanted *wanted) {
    static const uint32_t limits[] = KG_KEEPER_FETCH_REPLY_LIMITS;
    static const struct reply_form form = {KG_KEEPER_FETCH_REPLY, KG_KEEPER_FETCH_REPLY_TAGS, limits};
    struct bytes fields[REPLY_TAGS];
    int fd = connect_keeper(wanted->policy);
    if (fd < 0) return false;
    shut_in();
    request_begin(KG_KEEPER_FETCH);
    bool fits = request_add_text(KG_KEEPER_FETCH_CREDENTIAL, wanted->credential, KG_KEEPER_FETCH_CREDENTIAL_MAX);
    fits = fits && add_version(KG_KEEPER_FETCH_API_VERSION, KG_KEEPER_FETCH_API_VERSION_MAX);
    enum exchange_result result = fits ? exchange(fd, &form, fields) : EXCHANGE_GONE;
    close(fd);
    /* Stopped, or worse: the ticket that the daemon has to give is for the same one. */
    if (result == EXCHANGE_LATE) fail_exchange(result);
    if (result != EXCHANGED || fields[KG_KEEPER_FETCH_REPLY_EXEC_CREDENTIAL].at == NULL) return false;
    print_document(fields[KG_KEEPER_FETCH_REPLY_EXEC_CREDENTIAL]);
    return true;
}

int run_credential_plugin(int argc, char *argv[]) {
    static struct grant grant;
    say_in_one_line(true);
    struct wanted wanted = read_arguments(argc, argv);
    if (print_vouched_for(&wanted)) return 0;
    obtain_grant(&wanted, &grant);
    print_credential(&grant);
    return 0;
}
