/*
 * Where the binary begins when it brings its own few lines of C library. The start of a usual one costs more
 * than all that shim and plugin do: it is found, mapped, linked, and asks the processor for its features, which
 * a virtual machine answers slowly. And with nothing to load, LD_PRELOAD loads nothing.
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bare.h"

int main(int argc, char *argv[]);

/* At the start of a new program the stack is argc, argv, the environment and the auxiliary vector: elf(5). */
#if defined(__x86_64__)
__asm__(".globl _start\n"
        ".hidden _DYNAMIC\n"
        "_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rdi\n"
        "  lea _DYNAMIC(%rip), %rsi\n"
        "  and $-16, %rsp\n"
        "  call begin\n"
        "  hlt\n");
enum { RELATIVE = R_X86_64_RELATIVE };
#elif defined(__aarch64__)
__asm__(".globl _start\n"
        ".hidden _DYNAMIC\n"
        "_start:\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  mov x0, sp\n"
        "  adrp x1, _DYNAMIC\n"
        "  add x1, x1, :lo12:_DYNAMIC\n"
        "  and sp, x0, #-16\n"
        "  bl begin\n"
        "  brk #1\n");
enum { RELATIVE = R_AARCH64_RELATIVE };
#else
#error "native/bare has no start for this processor"
#endif

/* The linker's name for where the program was loaded. */
extern const char loaded_at[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));

/* What the compiler compares the stack's canaries with. */
uintptr_t __stack_chk_guard;

char **environ;
static char **arguments;

void __stack_chk_fail(void) {
    __builtin_trap();
}

/* The program lies anywhere: addresses within its data are put right. Others than relative ones can't be. */
static void relocate(const Elf64_Dyn *dynamic) {
    const Elf64_Rela *relocation = NULL;
    size_t bytes = 0;
    for (; dynamic->d_tag != DT_NULL; dynamic += 1) {
        if (dynamic->d_tag == DT_RELA) relocation = (const Elf64_Rela *)(loaded_at + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_RELASZ) bytes = dynamic->d_un.d_val;
        if (dynamic->d_tag == DT_RELR || dynamic->d_tag == DT_JMPREL) __builtin_trap();
    }
    for (; bytes > 0; bytes -= sizeof *relocation, relocation += 1) {
        if (ELF64_R_TYPE(relocation->r_info) != RELATIVE) __builtin_trap();
        *(uint64_t *)(loaded_at + relocation->r_offset) = (uint64_t)(loaded_at + relocation->r_addend);
    }
}

/* Sixteen random bytes from the kernel; the lowest of the canary stays zero, so that no string runs over it. */
static void set_guard(const Elf64_auxv_t *auxiliary) {
    for (; auxiliary->a_type != AT_NULL; auxiliary += 1) {
        if (auxiliary->a_type != AT_RANDOM) continue;
        memcpy(&__stack_chk_guard, (const void *)auxiliary->a_un.a_val, sizeof __stack_chk_guard);
        __stack_chk_guard &= ~(uintptr_t)0xff;
    }
}

__attribute__((used)) _Noreturn void begin(uintptr_t *stack, const Elf64_Dyn *dynamic) {
    relocate(dynamic);
    int argc = (int)stack[0];
    arguments = (char **)(stack + 1);
    environ = arguments + argc + 1;
    char **end = environ;
    while (*end != NULL) end += 1;
    set_guard((const Elf64_auxv_t *)(end + 1));
    exit(main(argc, arguments));
}

char **bare_arguments(void) {
    return arguments;
}

char *getenv(const char *name) {
    size_t length = strlen(name);
    for (char **variable = environ; *variable != NULL; variable += 1) {
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=') return *variable + length + 1;
    }
    return NULL;
}
