/* One binary, several uses, told apart by the name it is called under. */
#include <string.h>

#include "credential.h"
#include "protocol.h"
#include "say.h"
#include "shim.h"
#include "watch.h"

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

int main(int argc, char *argv[]) {
    const char *name = argc > 0 ? base_name(argv[0]) : "";
    if (strcmp(name, "kubeguard-credential") == 0) return run_credential_plugin(argc, argv);
    if (strcmp(name, "kubeguard-watch") == 0) return run_watch(argc, argv);
    if (name[0] == '\0' || strcmp(name, "kubeguard-native") == 0) {
        fail(KG_EXIT_USAGE, "this program is called under the name of the tool it stands for",
             "run: kubeguard doctor");
    }
    return run_shim(argc, argv);
}
