#include "exec-info.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *after_string(const char *at) {
    while (*at != '\0' && *at != '"') {
        if (*at == '\\' && at[1] != '\0') at += 1;
        at += 1;
    }
    return at;
}

static bool equals(const char *at, const char *end, const char *text) {
    return (size_t)(end - at) == strlen(text) && memcmp(at, text, (size_t)(end - at)) == 0;
}

/*
 * Reads no more JSON than it must: strings, depth and colons. Below the first level are the cluster's own
 * settings, which may well have an apiVersion of theirs.
 */
const char *exec_info_version(const char *text) {
    size_t depth = 0;
    bool names_version = false;
    bool at_value = false;
    for (const char *at = text; at != NULL && *at != '\0'; at += 1) {
        if (*at == '{' || *at == '[') depth += 1;
        if ((*at == '}' || *at == ']') && depth > 0) depth -= 1;
        if (depth == 1 && *at == ':') at_value = true;
        if (depth == 1 && *at == ',') at_value = false;
        if (*at != '"') continue;
        const char *end = after_string(at + 1);
        if (*end == '\0') break;
        if (depth == 1 && at_value && names_version) {
            return equals(at + 1, end, "client.authentication.k8s.io/v1beta1") ? "v1beta1" : "v1";
        }
        if (depth == 1 && !at_value) names_version = equals(at + 1, end, "apiVersion");
        at = end;
    }
    return "v1";
}
