/* What the parts of native/bare say to each other. To everybody else they are the C library. */
#ifndef KG_BARE_H
#define KG_BARE_H

/* As main() was given them. */
char **bare_arguments(void);

/*
 * Becomes the same program with the whole C library, which begins as we began: only while nothing has been said
 * or asked. Returns where it is not there.
 */
void become_twin(void);

#endif
