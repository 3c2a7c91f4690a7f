import { good, isRunning } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { kubectl } from '../../fixtures/tools.ts'
import type { BypassCase } from '../bypass-case.ts'
import { pluginLine, pythonClient } from '../python-client.ts'
import { outlives, plant, stateOf, supervisorsOf } from '../outlive.ts'
import type { Stream } from '../outlive.ts'
import { pidsOf } from '../siege.ts'
import type { Siege } from '../siege.ts'

const sleeps = `exec web-0 -- sh -c 'echo works; sleep 600'`
const works = /works/
/** Defaults for flags that stand on no command line (kubectl's kuberc). */
const kuberc = JSON.stringify({
  apiVersion: 'kubectl.config.k8s.io/v1beta1',
  kind: 'Preference',
  defaults: [{ command: 'get', options: [{ name: 'watch', default: 'true' }] }],
})

/** Stopped as Ctrl-Z does: it can't act on TERM. */
export async function stop(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  const stopped = (pid: number): boolean => stateOf(pid) === 'T'
  await until('it to stand still', () => pids.every(stopped))
}

/** Stopped first, so that none acts on another's end. */
export async function killAtOnce(pids: readonly number[]): Promise<void> {
  if (pids.length === 0) throw new Error('there is none to kill')
  await stop(pids)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await until('their end', () => !pids.some(isRunning))
}

/** A plugin, a Makefile, a Python client and a tool with a shim, all of the attacker's. */
const files = {
  'kubectl-foo': `#!/bin/sh\nkubectl ${sleeps}\nexit 0\n`,
  'Makefile': `stream:\n\tkubectl ${sleeps}\n`,
  'client.py': pythonClient,
  'tail-pods': `#!/bin/sh\nexec ${kubectl()} ${sleeps}\n`,
}

async function plantAll(siege: Siege): Promise<void> {
  plant(siege, files)
  const { env, home } = siege.home
  good(await siege.home.kubeguard(['shim', 'add', 'tail-pods'], { env: { PATH: `${env['PATH']}:${home}` } }))
}

const onTerminal = `kubectl exec -it web-0 -- sh -c 'echo wor""ks; sleep 600'`

/** Which of the two something is done to. */
const supervisorOf = (mark: string): number[] => supervisorsOf(mark).slice(0, 1)
const wardenOf = (mark: string): number[] => supervisorsOf(mark).slice(1)

/** A supervised stream, to whose processes something is done just before the lock. */
const supervised: readonly Stream[] = [
  {
    name: '`kubectl exec -it` whose supervisor was stopped',
    line: onTerminal,
    on: 'terminal',
    works,
    afterwards: (_, __, mark) => stop(supervisorOf(mark)),
  },
  {
    name: '`kubectl exec -it` whose supervisor was killed',
    line: onTerminal,
    on: 'terminal',
    works,
    afterwards: (_, __, mark) => killAtOnce(supervisorOf(mark)),
  },
  {
    name: '`kubectl exec -it` that ignores the hang-up, and whose supervisor and warden were killed',
    line: `trap '' HUP; ${onTerminal}`,
    on: 'terminal',
    works,
    afterwards: (_, __, mark) => killAtOnce(supervisorsOf(mark)),
  },
  {
    name: '`kubectl exec -it` whose warden was stopped, and whose supervisor was killed',
    line: onTerminal,
    on: 'terminal',
    works,
    async afterwards(_, __, mark) {
      const supervisor = supervisorOf(mark)
      await stop(wardenOf(mark))
      await killAtOnce(supervisor)
    },
  },
  {
    name: '`kubectl exec -it` whose supervisor was stopped, and whose daemon and reaper were killed',
    line: onTerminal,
    on: 'terminal',
    works,
    async afterwards(_, siege, mark) {
      await stop(supervisorOf(mark))
      await killAtOnce([...pidsOf(siege, 'reaper'), ...pidsOf(siege, 'daemon')])
    },
  },
]

const streams: readonly Stream[] = [
  { name: '`kubectl exec`', line: `kubectl ${sleeps} >OUT 2>&1`, on: 'pipes', works },
  {
    name: '`kubectl exec -it` on a terminal',
    line: onTerminal,
    on: 'terminal',
    works,
  },
  ...supervised,
  {
    name: '`kubectl port-forward`',
    line: 'kubectl port-forward pod/web-0 :8080 >OUT 2>&1',
    on: 'pipes',
    works: /Forwarding from/,
    serves: { address: /Forwarding from (127\.0\.0\.1:\d+)/, path: '/', answers: 'web-0' },
  },
  { name: '`kubectl logs -f`', line: 'kubectl logs -f web-0 >OUT 2>&1', on: 'pipes', works: /\n.*\n/ },
  { name: '`kubectl get -w`', line: 'kubectl get pods -w >OUT 2>&1', on: 'pipes', works: /Running/ },
  {
    name: '`kubectl proxy`',
    line: 'kubectl proxy --port=0 >OUT 2>&1',
    on: 'pipes',
    works: /Starting to serve/,
    serves: {
      address: /serve on (127\.0\.0\.1:\d+)/,
      path: '/api/v1/namespaces/default/pods',
      answers: 'web-0',
    },
  },
  {
    name: 'a live process that ignores TERM, and its parent too',
    line: `trap '' TERM; kubectl ${sleeps} >OUT 2>&1 & wait; wait`,
    on: 'pipes',
    works,
  },
  {
    name: 'a live process stopped with SIGSTOP',
    line: `kubectl ${sleeps} >OUT 2>&1`,
    on: 'pipes',
    works,
    afterwards: stop,
  },
  {
    name: 'a live process whose reaper was killed just before the lock',
    line: `kubectl ${sleeps} >OUT 2>&1`,
    on: 'pipes',
    works,
    afterwards: (_pids, siege) => killAtOnce(pidsOf(siege, 'reaper')),
  },
  {
    name: 'a live process whose daemon and reaper were killed at once',
    line: `kubectl ${sleeps} >OUT 2>&1`,
    on: 'pipes',
    works,
    afterwards: (_pids, siege) => killAtOnce([...pidsOf(siege, 'reaper'), ...pidsOf(siege, 'daemon')]),
  },
  {
    name: 'a live process in another process group',
    line: `set -m; kubectl ${sleeps} >OUT 2>&1 & wait`,
    on: 'pipes',
    works,
  },
  {
    name: '`setsid kubectl exec`, its starter gone',
    line: `setsid kubectl ${sleeps} >OUT 2>&1 & exit`,
    on: 'pipes',
    works,
  },
  {
    name: '`nohup kubectl exec` on a terminal',
    line: `nohup kubectl ${sleeps} >OUT 2>&1 &`,
    on: 'terminal',
    works,
  },
  {
    name: '`kubectl exec & disown` on a terminal, the shell gone',
    line: `kubectl ${sleeps} >OUT 2>&1 & disown; exit`,
    on: 'terminal',
    works,
  },
  {
    name: '`kubectl exec` by a kubectl plugin',
    line: 'PATH=$PATH:. kubectl foo >OUT 2>&1',
    on: 'pipes',
    works,
  },
  {
    name: 'a `kubectl get` that kuberc made a watch',
    line: `printf '%s' '${kuberc}' >kuberc; KUBERC=$PWD/kuberc setsid kubectl get pods >OUT 2>&1 & exit`,
    on: 'pipes',
    works: /Running/,
  },
  {
    name: 'an added tool that streams behind the word `version`, which is not asked about',
    line: 'PATH=$PATH:$PWD setsid tail-pods version >OUT 2>&1 & exit',
    on: 'pipes',
    works,
  },
  { name: '`kubectl exec` by make', line: 'make -s stream >OUT 2>&1', on: 'pipes', works },
]

const holderName = 'a Python client on a terminal with a credential fetched just before the lock'

/** A person's script that holds a token over the lock. */
const holder = (siege: Siege): Stream => ({
  name: holderName,
  line: `/usr/bin/python3 client.py ${siege.server} ${pluginLine(siege)} >OUT 2>&1`,
  on: 'terminal',
  works: /works\n(.*\n)*works/,
})

export const streamCases: readonly BypassCase[] = [
  ...streams.map((stream) => ({
    name: stream.name,
    whileUnlocked: 'own' as const,
    attempt: async (siege: Siege) => {
      await plantAll(siege)
      return outlives(siege, stream)
    },
  })),
  {
    name: holderName,
    whileUnlocked: 'own',
    attempt: async (siege) => {
      await plantAll(siege)
      return outlives(siege, holder(siege))
    },
  },
]
