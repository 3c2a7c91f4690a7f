#ifndef KG_SHIM_H
#define KG_SHIM_H

/* Asks the gate for this command, and becomes the program that the gate names. Returns only an exit code. */
int run_shim(int argc, char *argv[]);

#endif
