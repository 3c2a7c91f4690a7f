#ifndef KG_EXEC_INFO_H
#define KG_EXEC_INFO_H

/*
 * The API version that a client asks for in KUBERNETES_EXEC_INFO: "v1beta1" where it says so, else "v1",
 * which is also for the clients that set nothing. `text` may be NULL, and may be anything.
 */
const char *exec_info_version(const char *text);

#endif
