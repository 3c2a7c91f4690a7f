import type { Case } from '../observe.ts'

export const argumentCases: readonly Case[] = [
  { name: 'a line end in an argument', shell: 'bash', line: `kubectl get pod $'a\\nb'`, shows: /a\\?n?/ },
  {
    name: 'bytes that are no UTF-8',
    shell: 'bash',
    line: `kubectl get pod $'a\\377\\200b' -o name; kubectl get pods -l $'a=\\377'`,
    shows: /rror/,
  },
  {
    name: 'odd bytes for a remote program',
    shell: 'bash',
    line: `kubectl exec "$POD" -- echo $'one\\ntwo' ' ' '' '*' '"' "'" '$HOME' '\\'`,
    shows: /one\ntwo/,
  },
  { name: 'an empty argument before the verb', line: "kubectl '' get pods", shows: /^/ },
  { name: 'an empty argument as a name', line: "kubectl get pod ''", shows: /./ },
  { name: 'no argument at all', line: 'kubectl', shows: /controls the Kubernetes/ },
  {
    name: 'five thousand arguments',
    line: 'kubectl config get-contexts $(seq 1 5000) 2>&1 | tail -n 1',
    shows: /5000/,
  },
  {
    name: 'five thousand arguments to a server command',
    line: 'kubectl get --raw /version $(seq 1 5000)',
    shows: /./,
  },
  {
    name: 'an argument as long as Linux takes',
    line: `long=$(head -c 131000 /dev/zero | tr '\\0' x); kubectl config get-contexts "$long" 2>&1 | wc -c`,
    shows: /\d{5}/,
  },
  {
    name: 'flags before, between and after',
    line: 'kubectl -n default get --request-timeout=20s pod -o name "$POD" --context "$CONTEXT"',
    shows: /^pod\//,
  },
  {
    name: 'flags for a remote program',
    line: 'kubectl --context="$CONTEXT" -n default exec -i "$POD" -- echo -n --context=nowhere',
    shows: /context=nowhere/,
  },
  { name: 'names to complete', line: "kubectl __complete get pods ''", shows: /^\S+\n/ },
  {
    name: 'names to complete after flags',
    line: 'kubectl __complete -n default exec -it "${POD%?}"',
    shows: /^\S+\n/,
  },
  { name: 'verbs to complete', line: "kubectl __complete ''", shows: /^annotate/m },
  {
    name: 'flags to complete, without descriptions',
    line: 'kubectl __completeNoDesc get --out',
    shows: /--output/,
  },
  {
    name: 'contexts to complete',
    line: "kubectl __complete config use-context '' | sort",
    shows: /^\S+\n/,
  },
  {
    name: 'completion in fish',
    shell: 'fish',
    line: 'kubectl completion fish | source; complete -C "kubectl get pod $POD"',
    shows: /^\S+\n/,
  },
  ...['bash', 'zsh', 'fish'].map((shell) => ({
    name: `the completion script for ${shell}`,
    line: `kubectl completion ${shell} | cksum`,
    shows: /\d/,
  })),
]
