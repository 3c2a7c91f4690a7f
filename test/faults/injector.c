/*
 * Runs a command and everything that it starts, and does one thing at the Nth call of one program in it:
 *
 *   injector REPORT ROLE FAULT NTH COMMAND [ARGUMENT...]
 *
 * strace counts the calls of each thread by itself and injects into all that reach the number; here only the program
 * ROLE (the name of its bundle or binary) is meant, and all of its calls count together. Nothing counts before a program
 * is started that has `kg-arm` as an argument. REPORT appears when COMMAND has ended:
 *   CODE POINTS PID CALL PLACE     PID is 0 where NTH was never reached; of FAULT `count` a line KINDS ROLE CALL PLACE for
 *   each call of any program follows
 * A folder that is there already is never refused for want of room (mkdir(2), EEXIST): mkdir does not fail.
 * From then on calls are let through. It lives for as long as anything does that it follows: whose calls a filter sends
 * to a tracer fail without one (seccomp(2)).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a call does: FILES changes one, STEP says something to another process, GIVES gives a descriptor. */
enum { FILES = 1, STEP = 2, GIVES = 4, OPENS = 8, WRITES = 16, GROWS = 32, MAKES = 64 };

static const struct call { long number; const char *name; int kind; int descriptor; } calls[] = {
  { SYS_open, "open", OPENS | GIVES, -1 },        { SYS_openat, "openat", OPENS | GIVES, -1 },
  { SYS_creat, "creat", FILES | GROWS | GIVES, -1 },
  { SYS_write, "write", WRITES | GROWS, 0 },      { SYS_writev, "writev", WRITES | GROWS, 0 },
  { SYS_pwrite64, "pwrite64", FILES | GROWS, 0 }, { SYS_pwritev, "pwritev", FILES | GROWS, 0 },
  { SYS_rename, "rename", FILES | GROWS, -1 },    { SYS_renameat2, "renameat2", FILES | GROWS, -1 },
  { SYS_renameat, "renameat", FILES | GROWS, -1 }, { SYS_unlink, "unlink", FILES, -1 },
  { SYS_unlinkat, "unlinkat", FILES, -1 },        { SYS_link, "link", FILES | GROWS, -1 },
  { SYS_linkat, "linkat", FILES | GROWS, -1 },    { SYS_symlink, "symlink", FILES | GROWS, -1 },
  { SYS_symlinkat, "symlinkat", FILES | GROWS, -1 }, { SYS_mkdir, "mkdir", MAKES, -1 },
  { SYS_mkdirat, "mkdirat", MAKES, -1 },  { SYS_rmdir, "rmdir", FILES, -1 },
  { SYS_chmod, "chmod", FILES, -1 },              { SYS_fchmod, "fchmod", FILES, 0 },
  { SYS_fchown, "fchown", FILES, 0 },             { SYS_truncate, "truncate", FILES | GROWS, -1 },
  { SYS_ftruncate, "ftruncate", FILES, 0 }, { SYS_fallocate, "fallocate", FILES | GROWS, 0 },
  { SYS_fsync, "fsync", FILES, 0 }, { SYS_fdatasync, "fdatasync", FILES, 0 },
  { SYS_sendto, "sendto", STEP, 0 },              { SYS_sendmsg, "sendmsg", STEP, 0 },
  { SYS_connect, "connect", STEP, 0 },            { SYS_accept4, "accept4", STEP | GIVES, 0 },
  { SYS_socket, "socket", GIVES, -1 },            { SYS_socketpair, "socketpair", GIVES, -1 },
  { SYS_pipe2, "pipe2", GIVES, -1 },              { SYS_pidfd_open, "pidfd_open", GIVES, -1 },
};
enum { callCount = sizeof calls / sizeof *calls };

static const struct fault { const char *name; int error; int kinds; int lasts; } faults[] = {
  { "count", 0, FILES | STEP | GIVES | MAKES, 0 }, { "kill", 0, FILES | STEP | MAKES, 0 },   { "stop", 0, FILES | STEP | MAKES, 0 },
  { "ENOSPC", ENOSPC, GROWS, 1 },  { "EIO", EIO, FILES, 0 },         { "EROFS", EROFS, FILES, 1 },
  { "EMFILE", EMFILE, GIVES, 1 },
};

struct process { pid_t pid; char role[64]; };
static struct process processes[4096];
static const struct fault *fault;
static const char *role, *report;
static long nth, points;
static int armed, over;
static pid_t hitPid;
static char hit[512], *listing;
static size_t listed;
static FILE *list;

static struct process *find(pid_t pid) {
  struct process *free = NULL;
  for (int at = 0; at < 4096; at++) {
    if (processes[at].pid == pid) return &processes[at];
    if (free == NULL && processes[at].pid == 0) free = &processes[at];
  }
  if (free == NULL) exit(70);
  free->pid = pid;
  free->role[0] = 0;
  return free;
}

static pid_t processOf(pid_t thread) {
  char path[64], line[128];
  pid_t pid = thread;
  snprintf(path, sizeof path, "/proc/%d/status", thread);
  FILE *status = fopen(path, "re");
  if (status == NULL) return pid;
  while (fgets(line, sizeof line, status)) if (sscanf(line, "Tgid: %d", &pid) == 1) break;
  fclose(status);
  return pid;
}

/* The name of a bundle, without its ending, where it is one of ours; else that of the program. */
static void noteExec(pid_t pid) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  struct process *process = find(pid);
  if (length <= 0) return;
  text[length] = 0;
  char program[4096];
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  ssize_t size = readlink(path, program, sizeof program - 1);
  program[size < 0 ? 0 : size] = 0;
  const char *name = program;
  for (char *word = text; word < text + length; word += strlen(word) + 1) {
    size_t size = strlen(word);
    if (strcmp(word, "kg-arm") == 0) armed = 1;
    if (size > 4 && strcmp(word + size - 4, ".cjs") == 0) { word[size - 4] = 0; name = word; break; }
  }
  const char *slash = strrchr(name, '/');
  snprintf(process->role, sizeof process->role, "%.63s", slash == NULL ? name : slash + 1);
}

static int place(pid_t thread, long descriptor, char *into, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd/%ld", thread, descriptor);
  ssize_t length = readlink(path, into, size - 1);
  into[length < 0 ? 0 : length] = 0;
  return length > 0;
}

/* Whether a write goes past the end of its file: one within it needs no room on most disks. */
static int grows(pid_t thread, const struct user_regs_struct *registers, const char *where) {
  char path[64], line[128];
  long long position = -1;
  struct stat facts;
  snprintf(path, sizeof path, "/proc/%d/fdinfo/%lld", thread, registers->rdi);
  FILE *info = fopen(path, "re");
  if (info == NULL || stat(where, &facts) != 0) { if (info != NULL) fclose(info); return 1; }
  while (fgets(line, sizeof line, info)) if (sscanf(line, "pos: %lld", &position) == 1) break;
  fclose(info);
  if (registers->orig_rax == SYS_pwrite64) position = (long long)registers->r10;
  return position + (long long)registers->rdx > facts.st_size;
}

static void finish(int code) {
  char temporary[4096];
  snprintf(temporary, sizeof temporary, "%s.new", report);
  FILE *file = fopen(temporary, "we");
  if (file == NULL) exit(70);
  fprintf(file, "%d %ld %d %s\n", code, points, hitPid, hit);
  if (list != NULL) { fflush(list); fwrite(listing, 1, listed, file); }
  fclose(file);
  rename(temporary, report);
  over = 1;
}

/* At the entry of a call that the filter knows. */
static void enter(pid_t thread) {
  struct user_regs_struct registers;
  if (over || !armed || ptrace(PTRACE_GETREGS, thread, 0, &registers) != 0) return;
  const struct call *call = NULL;
  for (int at = 0; at < callCount; at++) if (calls[at].number == (long)registers.orig_rax) call = &calls[at];
  if (call == NULL) return;
  pid_t pid = processOf(thread);
  const char *own = find(pid)->role;
  if (list == NULL && strcmp(own, role) != 0) return;
  int kind = call->kind;
  char where[256] = "";
  if (kind & OPENS) {
    long flags = call->number == SYS_open ? registers.rsi : registers.rdx;
    if (flags & (O_CREAT | O_TRUNC)) kind |= FILES | GROWS;
  }
  if (call->descriptor == 0) {
    int known = place(thread, registers.rdi, where, sizeof where);
    if (strncmp(where, "anon_inode:", 11) == 0 || strncmp(where, "/dev/", 5) == 0 || strncmp(where, "/memfd:", 7) == 0) return;
    if (kind & WRITES) kind = !known || where[0] == '/' ? FILES | GROWS : STEP;
  }
  if ((call->number == SYS_write || call->number == SYS_pwrite64) && (kind & GROWS) && !grows(thread, &registers, where)) kind &= ~GROWS;
  if (!(kind & fault->kinds)) return;
  points++;
  if (list != NULL) fprintf(list, "%d %s %s %s\n", kind, own, call->name, where);
  if (nth == 0 || points < nth || (points > nth && !fault->lasts)) return;
  if (hitPid == 0) {
    hitPid = pid;
    snprintf(hit, sizeof hit, "%s %s", call->name, where);
  }
  if (fault->error != 0) {
    registers.orig_rax = -1;
    registers.rax = -fault->error;
    ptrace(PTRACE_SETREGS, thread, 0, &registers);
  } else if (strcmp(fault->name, "kill") == 0) {
    kill(pid, SIGKILL);
  } else if (strcmp(fault->name, "stop") == 0) {
    kill(pid, SIGSTOP);
  }
}

static void installFilter(void) {
  struct sock_filter program[callCount + 3];
  int at = 0;
  program[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int call = 0; call < callCount; call++)
    program[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[call].number, callCount - call, 0);
  program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog filter = { at, program };
  if (geteuid() != 0) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) _exit(71);
}

int main(int argc, char **argv) {
  if (argc < 6) return 64;
  report = argv[1];
  role = argv[2];
  for (size_t at = 0; at < sizeof faults / sizeof *faults; at++) if (strcmp(faults[at].name, argv[3]) == 0) fault = &faults[at];
  if (fault == NULL) return 64;
  nth = atol(argv[4]);
  if (strcmp(fault->name, "count") == 0) list = open_memstream(&listing, &listed);
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return 70;
  pid_t root = fork();
  if (root == 0) {
    char byte;
    if (read(ready[0], &byte, 1) != 1) _exit(70);
    installFilter();
    execvp(argv[5], argv + 5);
    _exit(127);
  }
  long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
  if (ptrace(PTRACE_SEIZE, root, 0, options) != 0) { kill(root, SIGKILL); return 71; }
  if (write(ready[1], "", 1) != 1) return 70;
  /* The command has them; who reads them shall see its end. */
  for (int descriptor = 0; descriptor < 4; descriptor++) if (descriptor != ready[0] && descriptor != ready[1]) close(descriptor);
  for (;;) {
    int status;
    pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (thread == root) finish(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
      for (int at = 0; at < 4096; at++) if (processes[at].pid == thread) processes[at].pid = 0;
      continue;
    }
    int event = status >> 16, signal = WSTOPSIG(status);
    unsigned long child;
    if (event == PTRACE_EVENT_SECCOMP) enter(thread);
    if (event == PTRACE_EVENT_EXEC) noteExec(thread);
    if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) && ptrace(PTRACE_GETEVENTMSG, thread, 0, &child) == 0) {
      char inherited[64];
      memcpy(inherited, find(processOf(thread))->role, sizeof inherited);
      memcpy(find((pid_t)child)->role, inherited, sizeof inherited);
    }
    if (event == PTRACE_EVENT_STOP && (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU))
      ptrace(PTRACE_LISTEN, thread, 0, 0);
    else
      ptrace(PTRACE_CONT, thread, 0, event == 0 ? signal : 0);
  }
  return 0;
}
