/* Any answer of a daemon or a keeper, as shim, plugin and supervisor read it. */
#include "../../../native/wire.c"

#include <unistd.h>

#include "fuzz.h"

static const uint32_t gate_check[] = KG_GATE_CHECK_REPLY_LIMITS;
static const uint32_t credential_issue[] = KG_CREDENTIAL_ISSUE_REPLY_LIMITS;
static const uint32_t keeper_issue[] = KG_KEEPER_ISSUE_REPLY_LIMITS;
static const uint32_t keeper_fetch[] = KG_KEEPER_FETCH_REPLY_LIMITS;
static const uint32_t keeper_share[] = KG_KEEPER_SHARE_REPLY_LIMITS;
static const uint32_t keeper_deliver[] = KG_KEEPER_DELIVER_REPLY_LIMITS;
static const uint32_t supervisor_begin[] = KG_SUPERVISOR_BEGIN_REPLY_LIMITS;
static const struct reply_form forms[] = {
    {KG_GATE_CHECK_REPLY, KG_GATE_CHECK_REPLY_TAGS, gate_check},
    {KG_CREDENTIAL_ISSUE_REPLY, KG_CREDENTIAL_ISSUE_REPLY_TAGS, credential_issue},
    {KG_KEEPER_ISSUE_REPLY, KG_KEEPER_ISSUE_REPLY_TAGS, keeper_issue},
    {KG_KEEPER_FETCH_REPLY, KG_KEEPER_FETCH_REPLY_TAGS, keeper_fetch},
    {KG_KEEPER_SHARE_REPLY, KG_KEEPER_SHARE_REPLY_TAGS, keeper_share},
    {KG_KEEPER_DELIVER_REPLY, KG_KEEPER_DELIVER_REPLY_TAGS, keeper_deliver},
    {KG_SUPERVISOR_BEGIN_REPLY, KG_SUPERVISOR_BEGIN_REPLY_TAGS, supervisor_begin},
};
enum { FORMS = sizeof forms / sizeof forms[0] };

/* The first byte says which answer is waited for: the low byte of its id. */
static const struct reply_form *form_of(uint8_t first) {
    for (size_t index = 0; index < FORMS; index += 1) {
        if ((forms[index].id & 0xff) == first) return &forms[index];
    }
    return &forms[first % FORMS];
}

/* Every field lies in what came, and the fields with their headers are the whole of it. */
static void check_fields(const struct bytes fields[REPLY_TAGS], size_t tags, const uint32_t *limits) {
    size_t whole = KG_HEADER_BYTES;
    for (size_t tag = 0; tag < REPLY_TAGS; tag += 1) {
        if (fields[tag].at == NULL) continue;
        CHECK(tag < tags && fields[tag].length <= limits[tag]);
        CHECK(fields[tag].at >= reply + KG_HEADER_BYTES && fields[tag].at + fields[tag].length <= reply + reply_bytes);
        whole += KG_FIELD_HEADER_BYTES + fields[tag].length;
    }
    CHECK(whole == reply_bytes);
}

void fuzz_reply(struct input input) {
    static const uint32_t error_limits[] = KG_ERROR_LIMITS;
    const struct reply_form *form = form_of(take_byte(&input));
    struct bytes fields[REPLY_TAGS];
    struct line line = open_line();
    say_all(line.other, input);
    shutdown(line.other, SHUT_WR);
    request_begin(form->id & 0x7fff);
    enum exchange_result result = exchange(line.ours, form, fields);
    CHECK(result != EXCHANGE_LATE);
    if (result == EXCHANGED) {
        CHECK(get16(reply + 4) == KG_PROTOCOL_VERSION && get16(reply + 6) == form->id);
        check_fields(fields, form->tags, form->limits);
    }
    if (result == EXCHANGE_REFUSED) {
        check_fields(fields, KG_ERROR_TAGS, error_limits);
        CHECK(fields[KG_ERROR_MESSAGE].at != NULL && fields[KG_ERROR_CURE].at != NULL);
        CHECK(field_uint(fields[KG_ERROR_EXIT_CODE], 1) == field_uint(fields[KG_ERROR_EXIT_CODE], 2));
    }
    size_t came = reply_bytes;
    wipe_reply();
    for (size_t at = 0; at < came; at += 1) CHECK(reply[at] == 0);
    close(line.ours);
    close(line.other);
}
