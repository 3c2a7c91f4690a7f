import type { Case } from '../observe.ts'

/** What a terminal is told about itself: colours, modes. */
const escape = String.fromCharCode(27)
const untilPrompt = new RegExp(`(SIGQUIT: quit)[^]*?(?=${escape}\\[\\?2004hready> )`)
const steering = new RegExp(`${escape}\\[[0-9;?]*[a-zA-Z]|\\r|%  +`, 'g')

/** A supervised kubectl is the warden's child, in the session of the warden's (docs/cli.md): under the shell's roles. */
const supervised = ['program of parent', 'program of session'] as const

const ready = /ready> $/
const code = (number: number): RegExp => new RegExp(`code=${number}\\r\\n[^]*ready> $`)

export const terminals: readonly Case[] = [
  { name: 'a list', steps: [['kubectl get pods -o name\r', /pod\/[^]*ready> $/]], shows: /pod\// },
  { name: 'the exit code', steps: [['kubectl get pod nothing; echo code=$?\r', code(1)]], shows: /NotFound/ },
  {
    name: 'Ctrl-C, which a watch takes for its end',
    steps: [
      ['kubectl get pod "$POD" -o name -w; echo code=$?\r', /pod\/\S+\r\n$/],
      ['\x03', /code=\d+\r\n[^]*ready> $/],
    ],
    races: 'until its watch has begun, it dies of the signal',
    shows: /code=1/,
  },
  {
    name: 'Ctrl-C, by which a stream dies',
    steps: [
      ['kubectl exec "$POD" -- sh -c "echo begun; sleep 100"\r', /begun\r\n$/],
      ['\x03', /\^C[^]*ready> $/],
      ['echo code=$?\r', code(130)],
    ],
    shows: /begun/,
  },
  {
    name: 'Ctrl-\\, at which Go prints its stacks',
    steps: [
      ['kubectl exec "$POD" -- sh -c "echo begun; sleep 100"\r', /begun\r\n$/],
      ['\x1c', ready],
      ['echo code=$?\r', code(2)],
    ],
    tidy: (text) => text.replace(untilPrompt, '$1'),
    shows: /SIGQUIT/,
  },
  {
    name: 'Ctrl-Z, jobs, bg, fg, Ctrl-C',
    steps: [
      ['kubectl get pod "$POD" -o name -w\r', /pod\/\S+\r\n$/],
      ['\x1a', /Stopped[^]*ready> $/],
      ['echo code=$?; jobs; jobs -l\r', /code=\d+\r\n[^]*Stopped[^]*Stopped[^]*ready> $/],
      ['bg\r', ready],
      ['jobs\r', /Running[^]*ready> $/],
      ['fg\r', /get pod \S+ -o name -w\r\n$/],
      ['\x03', ready],
      ['echo code=$?; jobs\r', /code=\d+\r\n[^]*ready> $/],
    ],
    shows: /Stopped/,
  },
  {
    name: '& with a job number, and wait',
    steps: [
      ['kubectl get pod "$POD" -o name >out & wait; cat out; jobs\r', /pod\/[^]*ready> $/],
      ['set +m; kubectl get pod nothing & wait $!; echo code=$?\r', code(1)],
    ],
    shows: /pod\//,
  },
  {
    name: 'in the background, reading from the terminal: it is stopped',
    steps: [
      ['kubectl apply -f - &\r', ready],
      ['until jobs | grep Stopped; do sleep 0.1; done\r', /Stopped[^]*ready> $/],
      ['fg\r', /apply -f -\r\n$/],
      ['\x04', ready],
      ['echo code=$?\r', /code=\d+\r\n[^]*ready> $/],
    ],
    shows: /Stopped/,
    // While it starts, the shell reads the next line and runs it.
    unsteady: ['foreground', 'program of foreground', 'terminal'],
  },
  {
    name: 'a shell in a pod: keys, Ctrl-C, size, end',
    steps: [
      ['kubectl exec -it "$POD" -- sh; echo code=$?\r', /[$#] $/],
      ['stty size; echo one\r', /30 100[^]*one\r\n[^]*[$#] $/],
      ['sleep 100\r', /sleep 100\r\n$/],
      ['\x03', /\^C\r\n[^]*[$#] $/],
      ['exit 7\r', code(7)],
    ],
    shows: /30 100/,
    unsteady: supervised,
  },
  {
    name: 'a shell in a pod that is killed: the terminal is left as it is',
    steps: [
      ['kubectl exec -it "$POD" -- sh; stty sane; echo code=$?\r', /[$#] $/],
      ['echo on\r', /on\r\n[^]*[$#] $/],
      ['\x04', ready],
    ],
    shows: /on\r\n/,
    unsteady: supervised,
  },
  {
    name: 'what goes through exec -it, byte by byte: characters, controls, 600 kB',
    steps: [
      ['kubectl exec -it "$POD" -- sh; echo code=$?\r', /[$#] $/],
      ['echo é€😀\r', /é€😀\r\n[^]*é€😀\r\n[^]*[$#] $/],
      ['seq 100000; echo all\r', /99999\r\n100000\r\nall\r\n[^]*[$#] $/],
      ['exit\r', code(0)],
    ],
    shows: /bytes, sha256/,
    unsteady: supervised,
  },
  {
    name: 'SIGTERM during exec -it: the settings afterwards',
    steps: [
      [
        '(sleep 2; pkill -TERM -P $$ kubectl) & kubectl exec -it "$POD" -- sleep 100; echo code=$?\r',
        /code=\d+\r\n[^]*ready> $/,
      ],
      ['stty -a\r', /-?echoke[^]*ready> $/],
    ],
    shows: /code=/,
    tidy: (text) => text.replaceAll(/\[\d\]\+? +Done.*\r\n/g, ''),
    unsteady: supervised,
  },
  {
    name: 'a here-document typed by hand',
    steps: [
      ['kubectl apply -f - <<END\r', /> $/],
      ['{apiVersion: v1, kind: ConfigMap, metadata: {name: typed}}\r', /> $/],
      ['END\r', /created[^]*ready> $/],
      ['kubectl delete configmap typed\r', /deleted[^]*ready> $/],
    ],
    shows: /created/,
  },
  {
    name: 'edit, with an editor on the terminal',
    steps: [['EDITOR=cat kubectl edit pod "$POD" -o name | tail -n 1; echo code=$?\r', code(0)]],
    shows: /code=0/,
  },
  {
    name: 'a pager',
    steps: [['kubectl get pods -o name | less -X -F\r', /pod\/[^]*ready> $/]],
    shows: /pod\//,
    unsteady: ['terminal'],
  },
  {
    name: 'zsh: Ctrl-Z and fg',
    shell: 'zsh',
    steps: [
      ['kubectl get pod "$POD" -o name -w\r', /pod\/\S+\r\n$/],
      ['\x1a', /suspended[^]*ready> /],
      ['fg\r', /continued/],
      ['\x03', /ready> /],
    ],
    shows: /suspended/,
    tidy: (text) => text.replaceAll(steering, ''),
  },
]
