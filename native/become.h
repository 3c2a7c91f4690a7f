/* The end of every way through: becoming the program that the gate named. */
#ifndef KG_BECOME_H
#define KG_BECOME_H

/*
 * Becomes the program at an absolute path, with these arguments and the environment there is. Where it can't be run:
 * says so and ends this process.
 */
_Noreturn void become_program(char *path, int argc, char *argv[]);

#endif
