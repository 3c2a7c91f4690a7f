import type { Case } from '../observe.ts'

const watch = 'get pod "$POD" -o name -w'
/**
 * A watch heeds signals in its own way only after its first line, and until then dies of them: that it has seen the
 * pod change shows that it is past that.
 */
const untilItWatches = `until grep -qs . seen; do sleep 0.05; done
  kubectl annotate pod "$POD" seen=yes >/dev/null; kubectl annotate pod "$POD" seen- >/dev/null
  until [ "$(wc -l <seen)" -ge 3 ]; do sleep 0.05; done`

/**
 * Starts a stream, waits until it is there, sends it a signal and tells what the shell makes of its end. Job control:
 * without it a shell lets what it starts with `&` ignore SIGINT and SIGQUIT.
 */
const signalled = (name: string, stream = watch, untilThere = untilItWatches): string =>
  `set -m; kubectl ${stream} >seen & pid=$!
  ${untilThere}
  kill -${name} $pid; wait $pid; echo "code $?"`

/** Go takes no notice of some signals: TERM ends it then. */
const ignored = (name: string): string => signalled(`${name} $pid; kill -TERM`)

export const endings: readonly Case[] = [
  { name: 'exit code 0', line: 'kubectl get pod "$POD" -o name', shows: /^pod\// },
  { name: 'exit code 1', line: 'kubectl get pod nothing-here', shows: /NotFound/ },
  { name: 'exit code 1 for a flag that is none', line: 'kubectl get --no-such-flag', shows: /unknown flag/ },
  { name: 'exit code 0 of help', line: 'kubectl --help', shows: /controls the Kubernetes/ },
  {
    name: 'the exit code of a remote program',
    line: 'kubectl exec "$POD" -- sh -c "exit 3"',
    shows: /exit code 3/,
  },
  {
    name: 'exit code 130 of a remote program',
    line: 'kubectl exec "$POD" -- sh -c "exit 130"',
    shows: /exit code 130/,
  },
  {
    name: 'a server that is not there',
    line: 'kubectl -s https://127.0.0.1:1 get pods',
    shows: /refused/,
    tidy: (text) => text.replaceAll(/^E\d+ \S+ +\d+/gm, 'E'),
  },
  ...['TERM', 'KILL', 'INT', 'HUP'].map((name) => ({
    name: `death by SIG${name}`,
    line: signalled(name),
    shows: /code \d+/,
    tidy: (text: string) => text.replace('Killed\n', ''),
  })),
  ...['PIPE', 'USR1', 'ALRM'].map((name) => ({
    name: `SIG${name}, of which it takes no notice`,
    line: ignored(name),
    shows: /code \d+/,
  })),
  {
    name: 'SIGQUIT, at which Go prints its stacks',
    line: signalled(
      'QUIT',
      'exec "$POD" -- sh -c "echo begun; sleep 100"',
      'until grep -qs . seen; do sleep 0.05; done',
    ),
    shows: /SIGQUIT/,
    tidy: (text) => text.replace(/SIGQUIT: quit[^]*/, 'SIGQUIT: quit'),
  },
  {
    name: 'the wait status of an end by a signal, as a parent sees it',
    line: `watched kubectl ${watch} >seen & parent=$!
      ${untilItWatches}
      pkill -TERM -P $parent kubectl; wait $parent; echo "code $?"`,
    shows: /code 1/,
  },
  {
    name: 'stopped, continued and ended, as a parent sees it',
    line: `watched kubectl ${watch} >seen & parent=$!
      ${untilItWatches}
      pkill -STOP -P $parent kubectl
      until ps -o stat= --ppid $parent | grep -q T; do sleep 0.05; done
      pkill -CONT -P $parent kubectl
      until ps -o stat= --ppid $parent | grep -q S; do sleep 0.05; done
      pkill -TERM -P $parent kubectl; wait $parent; echo "code $?"`,
    shows: /code \d/,
  },
  { name: 'timeout(1)', line: 'timeout 2 kubectl get pods -o name -w; echo "code $?"', shows: /code 124/ },
  {
    name: 'set -e and ||',
    line: 'set -e; kubectl get pod nothing || echo caught; kubectl get pod nothing; echo on',
    shows: /caught/,
  },
]
