import type { Case } from '../observe.ts'

const get = 'kubectl get pod "$POD" -o name'

/** What a process hands on to the program it becomes; the witness notes all of it at every start. */
export const processes: readonly Case[] = [
  { name: '& and wait', line: `${get} & wait $!; echo "code $?"`, shows: /code 0/ },
  {
    name: '& and wait for one that fails',
    line: 'kubectl get pod nothing & wait $!; echo "code $?"',
    shows: /code 1/,
  },
  {
    name: 'several in the background, waited for in turn',
    line: `${get} >1 & one=$!; kubectl get pod nothing 2>2 & two=$!; wait $one; echo $?; wait $two; echo $?; cat 1 2`,
    shows: /0\n1\npod/,
  },
  {
    name: 'the number in $! is kubectl’s own',
    line: `sh -c 'echo $$ >number; exec ${get}' & wait; test "$(cat number)" = $! && echo same; rm number`,
    shows: /same/,
  },
  { name: 'a process group of its own', line: `set -m; ${get} & wait`, shows: /pod\// },
  { name: 'a pipeline is one group', shell: 'bash', line: `set -m; ${get} | cat`, shows: /pod\// },
  { name: 'a session of its own', line: `setsid -w ${get}`, shows: /pod\// },
  { name: 'nohup', line: `nohup ${get}`, shows: /pod\// },
  { name: 'nice and ionice', line: `nice -n 5 ionice -c 3 ${get}`, shows: /pod\// },
  { name: 'one processor', line: `taskset -c 0 ${get}`, shows: /pod\// },
  { name: 'in place of the shell', line: `exec ${get}`, shows: /pod\// },
  {
    name: 'under another name',
    shell: 'bash',
    line: `exec -a kubectl-of-mine ${get}`,
    shows: /pod\//,
    differs: {
      because: 'the kernel keeps no argv[0] for a script, and the stand-in begins as one',
      shows: { fallback: /pod\// },
    },
  },
  ...[
    '-n 300',
    '-Sn 300',
    '-c 0',
    '-Sc 0',
    '-f 100000',
    '-t 60',
    '-s 2048',
    '-s 256',
    '-l 1000',
    '-u 50000',
    '-i 1000',
    '-q 4096',
    '-d 4000000',
  ].map((limit) => ({
    name: `ulimit ${limit}`,
    shell: 'bash' as const,
    line: `ulimit ${limit}; ${get}`,
    shows: /pod\//,
  })),
  ...['0', '027', '0777'].map((mask) => ({
    name: `umask ${mask}`,
    line: `umask ${mask}; kubectl --kubeconfig "$PWD/made" config set-context some >/dev/null; ls -l made | cut -c 1-10; ${get}`,
    shows: /pod\//,
  })),
  ...['""', '"" PIPE', '"" HUP QUIT INT', '"" TSTP TTOU TTIN', '"" USR1 XFSZ RTMIN'].map((trapped) => ({
    name: `signals ignored: trap ${trapped}`,
    shell: 'bash' as const,
    line: `trap ${trapped === '""' ? '"" TERM' : trapped}; ${get}`,
    shows: /pod\//,
  })),
  {
    name: 'SIGCHLD ignored',
    shell: 'bash',
    line: `trap "" CHLD; ${get}`,
    shows: /pod\//,
    differs: {
      because: 'a POSIX shell, in which the stand-in begins, may set SIGCHLD back',
      shows: { fallback: /pod\// },
    },
  },
  {
    name: 'signals blocked',
    line: `perl -e 'use POSIX; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1, SIGTERM, SIGHUP)); exec @ARGV' ${get}`,
    shows: /pod\//,
  },
  { name: 'an alarm that is set', line: `perl -e 'alarm 50; exec @ARGV' ${get}`, shows: /pod\// },
  { name: 'a signal on the parent’s end', line: `setpriv --pdeathsig TERM ${get}`, shows: /pod\// },
  { name: 'no new privileges', line: `setpriv --no-new-privs ${get}`, shows: /pod\// },
  {
    name: 'descriptors: inherited, high, of a pipe',
    shell: 'bash',
    line: `exec 5</etc/passwd 7>out 200<>both 9> >(cat >/dev/null); ${get}`,
    shows: /pod\//,
  },
  {
    name: 'a descriptor that kubectl writes to',
    line: `exec 6>out; kubectl get pod "$POD" -o name >&6; cat out`,
    shows: /pod\//,
  },
  {
    name: 'a non-blocking output',
    line: `perl -e 'use Fcntl; fcntl(STDERR, F_SETFL, O_NONBLOCK | O_APPEND); exec @ARGV' ${get}`,
    shows: /pod\//,
  },
  {
    name: 'a working directory that was removed',
    line: `mkdir gone; cd gone; rmdir ../gone; ${get}`,
    shows: /pod\//,
    differs: {
      because: 'a POSIX shell, in which the stand-in begins, may complain',
      shows: { fallback: /pod\// },
    },
  },
  {
    name: 'a working directory with odd bytes',
    shell: 'bash',
    line: `mkdir $'a\\nb\\377'; cd $'a\\nb\\377'; ${get}`,
    shows: /pod\//,
  },
  {
    name: 'an environment of odd bytes and dangerous names',
    line: `env 'a.b=1' 'BASH_FUNC_f%%=() { :; }' NODE_OPTIONS=--no-warnings LD_BIND_NOW=1 "BAD=$(printf '\\377\\n')" '=x' EMPTY= ${get}`,
    shows: /pod\//,
  },
  {
    name: 'a large environment',
    line: `BIG=$(head -c 120000 /dev/zero | tr '\\0' x) ${get}`,
    shows: /pod\//,
  },
]
