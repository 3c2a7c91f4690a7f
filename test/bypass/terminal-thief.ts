/** Programs for python3 that ask the kernel for terminals. Those for a shell's double quotes have none of them inside. */
export const tools = {
  /** Leads a session of its own, asks for the terminal named first as its controlling one, nicely and by force, then runs the rest. */
  take: `
import fcntl, os, sys, termios
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
os.setsid()
terminal = os.open(sys.argv[1], os.O_RDWR)
for force in (0, 1):
    try:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, force)
    except OSError:
        pass
for fd in (0,):
    os.dup2(terminal, fd)
os.execvp(sys.argv[2], sys.argv[2:])
`.trim(),
  /** Unlocks on a terminal and lists pods there; has another session lead the same terminal; lists pods there, too. */
  useAgain: `
import fcntl, os, subprocess, sys, termios
passphrase = sys.stdin.read()
master, slave = os.openpty()
name = os.ttyname(slave)
def lead(words):
    out, inner = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        terminal = os.open(name, os.O_RDWR)
        try:
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        except OSError as error:
            os.write(inner, str(error).encode())
        os.dup2(inner, 1)
        os.dup2(inner, 2)
        for line in words:
            subprocess.run(['sh', '-c', line], input=passphrase, text=True)
        os._exit(0)
    os.close(inner)
    os.waitpid(pid, 0)
    return os.read(out, 65536).decode()
pods = 'KUBEGUARD_PROMPT=never kubectl get pods'
# Whoever has it open keeps the number.
print(lead(['kubeguard unlock default --passphrase-fd 0', pods]), flush=True)
print('---', flush=True)
print(lead(['tty </dev/tty', pods]), name)
`.trim(),
}
