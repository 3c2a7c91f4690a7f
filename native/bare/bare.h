/* What the parts of native/bare say to each other. To everybody else they are the C library. */
#ifndef KG_BARE_H
#define KG_BARE_H

/* As main() was given them. */
char **bare_arguments(void);

#endif
