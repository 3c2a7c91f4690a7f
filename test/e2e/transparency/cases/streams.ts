import { randomBytes } from 'node:crypto'
import type { Case } from '../observe.ts'

const settings = (value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: from-input }\ndata: { key: ${value} }\n`

/** Every byte there is, and some that stand for line ends. */
const binary = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  randomBytes(200_000),
])
const tenMegabytes = Buffer.alloc(10_000_000, 'ten million bytes of it\n')

const clean = 'kubectl delete configmap from-input -o name'

export const streams: readonly Case[] = [
  {
    name: 'standard input piped to apply -f -',
    line: `cat | kubectl apply -f -; kubectl get configmap from-input -o jsonpath='{.data.key}'; ${clean}`,
    input: settings('piped'),
    shows: /piped/,
  },
  {
    name: 'standard input from a file, and what is left of it',
    line: `kubectl apply -f -; cat; ${clean}`,
    input: settings('from-a-file'),
    shows: /created/,
  },
  {
    name: 'a here-document',
    line: `kubectl apply -f - <<END\n${settings('in-place')}END\n${clean}`,
    shows: /created/,
  },
  {
    name: 'a here-string, and process substitution',
    shell: 'bash',
    line: `kubectl apply -f - <<<'${settings('a-string')}'; ${clean}; kubectl apply -f <(echo '${settings('b')}'); ${clean}`,
    shows: /created[^]*created/,
  },
  {
    name: 'a command that reads nothing leaves its input to the next',
    line: 'kubectl get pod "$POD" -o name; cat',
    input: 'the rest\n',
    shows: /the rest/,
  },
  {
    name: 'a loop that reads lines around it',
    line: 'while read -r name; do kubectl get pod "$name$POD" -o name </dev/null; done',
    input: '\nno\n\n',
    shows: /pod\//,
  },
  { name: 'closed input', line: 'kubectl get pod "$POD" -o name <&-', shows: /^pod\// },
  { name: 'closed input, read', line: 'kubectl apply -f - <&-', shows: /error/ },
  { name: 'closed output', line: 'kubectl get pod "$POD" -o name >&-; echo "code $?"', shows: /code/ },
  { name: 'closed errors', line: 'kubectl get pod nothing 2>&-; echo "code $?"', shows: /code 1/ },
  {
    name: 'all three closed',
    line: 'kubectl get pod "$POD" -o name <&- >&- 2>&-; echo "code $?"',
    shows: /code/,
  },
  {
    name: 'a full device for output',
    line: 'kubectl get pod "$POD" >/dev/full; echo "code $?"',
    shows: /code/,
  },
  {
    name: 'output and errors into one file',
    line: 'kubectl get pod "$POD" nothing -o name >both 2>&1; cat both',
    shows: /NotFound/,
  },
  {
    name: 'output added to a file',
    line: 'echo first >all; kubectl get pod "$POD" -o name >>all; cat all',
    shows: /first\npod/,
  },
  {
    name: 'binary input and output',
    line: 'kubectl exec -i "$POD" -- cat >copy; wc -c <copy',
    input: binary,
    shows: /200256/,
  },
  {
    name: 'ten megabytes',
    line: 'kubectl exec -i "$POD" -- cat >copy; wc -c <copy',
    input: tenMegabytes,
    shows: /10000000/,
  },
  {
    name: 'ten megabytes through pipes',
    line: 'cat | kubectl exec -i "$POD" -- cat | cksum',
    input: tenMegabytes,
    shows: /10000000/,
  },
  {
    name: 'a reader that goes away',
    shell: 'bash',
    line: 'kubectl exec "$POD" -- seq 1 200000 | head -n 2; echo "${PIPESTATUS[0]}"',
    races: 'it may have written all before the reader goes',
    shows: /1\n2\n/,
    tidy: (text) => text.replaceAll(/^E\d+ .*\n/gm, ''),
  },
  {
    name: 'a reader that goes away, with SIGPIPE ignored',
    shell: 'bash',
    line: 'trap "" PIPE; kubectl exec "$POD" -- seq 1 200000 | head -n 2; echo "${PIPESTATUS[0]}"',
    races: 'it may have written all before the reader goes',
    shows: /1\n2\n/,
    tidy: (text) => text.replaceAll(/^E\d+ .*\n/gm, ''),
  },
  {
    name: 'cp into a pod and out of it',
    line: `cat >there; cp there kept; kubectl cp there "$POD:/tmp/there"; rm there
      umask 077; kubectl cp "$POD:/tmp/there" back; cmp back kept && echo same; rm kept back`,
    input: binary,
    shows: /same/,
  },
  {
    name: 'cp of a file that is not there, and to a folder that is not',
    line: 'kubectl cp "$POD:/nothing" here; echo "code $?"; kubectl cp nothing "$POD:/tmp/x"; echo "code $?"',
    shows: /code 1/,
  },
  { name: 'a pipe of two', line: 'kubectl get pods -o name | kubectl exec -i "$POD" -- cat', shows: /pod\// },
  {
    name: 'command substitution',
    line: 'text=$(kubectl get pod "$POD" -o name); echo "[$text] $?"',
    shows: /\[pod.*\] 0/,
  },
]
