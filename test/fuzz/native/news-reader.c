/* What the daemon tells a supervisor while a stream runs. */
#include "../../../native/supervisor/link.c"

#include "fuzz.h"

void fuzz_news(struct input input) {
    static struct news news;
    struct line line = open_line();
    struct link link = {.wait_fd = line.ours, .report_fd = -1};
    say_all(line.other, input);
    shutdown(line.other, SHUT_WR);
    link_read_news(&link, &news);
    CHECK(news.said_length <= sizeof news.said);
    CHECK(memchr(news.policy, '\0', sizeof news.policy) != NULL);
    CHECK(news.kind != NEWS_COVER || (news.policy[0] != '\0' && news.policy[0] != '-'));
    CHECK(news.kind == NEWS_END || input.length >= KG_HEADER_BYTES);
    close(line.ours);
    close(line.other);
}
