#ifndef KG_CREDENTIAL_H
#define KG_CREDENTIAL_H

/* The credential plugin: prints the ExecCredential of one kubeconfig user, or one line that says why not. */
int run_credential_plugin(int argc, char *argv[]);

#endif
