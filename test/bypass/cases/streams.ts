import { randomBytes } from 'node:crypto'
import { chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning } from '../../fixtures/home.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { pidsOf } from '../siege.ts'
import type { Siege } from '../siege.ts'

/**
 * Something live, started through the shim as a command of a shell or typed at one. Its processes are told from
 * all others by a variable in their environment, which children, orphans and daemons of theirs inherit.
 */
interface Stream {
  readonly name: string
  /** A line for a shell. `OUT` in it is the file that its output goes to. */
  readonly line: string
  /** Typed at an interactive bash on a terminal, or given to `sh -c` without one. */
  readonly on: 'terminal' | 'pipes'
  /** In its output once it works. */
  readonly works: RegExp
  /** What it serves on loopback, found in its output. */
  readonly serves?: { readonly address: RegExp; readonly path: string; readonly answers: string }
  /** Done to it once it works. */
  readonly afterwards?: (pids: readonly number[], siege: Siege) => Promise<void>
}

const markName = 'BYPASS_STREAM'
/** How long what was ended may take to go from the process table after `kubeguard lock` returned. */
const reapedWithinMs = 1_000
const sleeps = `exec web-0 -- sh -c 'echo works; sleep 600'`
const works = /works/
/** Defaults for flags that stand on no command line (kubectl's kuberc). */
const kuberc = JSON.stringify({
  apiVersion: 'kubectl.config.k8s.io/v1beta1',
  kind: 'Preference',
  defaults: [{ command: 'get', options: [{ name: 'watch', default: 'true' }] }],
})

/** The clients among the marked processes: kubectl itself or a Python; shells around them may stay. */
function clientsOf(mark: string): number[] {
  return markedPids(mark).filter((pid) =>
    /(^|\/)(kubectl|python3)$/.test(read(pid, 'cmdline').split('\0')[0] ?? ''),
  )
}

function markedPids(mark: string): number[] {
  const marked = (pid: number): boolean => read(pid, 'environ').split('\0').includes(`${markName}=${mark}`)
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return pids.map(Number).filter((pid) => marked(pid) && isRunning(pid))
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** An interactive bash of the attacked account, as a person has it. */
function shellOf({ home, own }: Siege, mark: string): TestTerminal {
  const account = ['--reuid', String(own.uid), '--regid', String(own.gid), '--clear-groups']
  const bash = ['/bin/bash', '--norc', '--noprofile', '-i']
  return new TestTerminal(
    '/usr/bin/setpriv',
    [...account, ...bash],
    { ...home.env, PS1: 'ready> ', [markName]: mark },
    home.home,
  )
}

/** Starts it while unlocked, shows that it works, locks. @returns whether it lives or serves on. */
async function outlives(siege: Siege, stream: Stream): Promise<boolean> {
  const { home, own } = siege
  await home.unlock('default')
  const mark = randomBytes(8).toString('hex')
  const out = join(home.home, `out-${mark}`)
  writeFileSync(out, '')
  chownSync(out, own.uid, own.gid)
  const line = stream.line.replaceAll('OUT', out)
  const shell = stream.on === 'terminal' ? shellOf(siege, mark) : undefined
  // A terminal also shows what was typed.
  const said = (): string => (stream.line.includes('OUT') ? readFileSync(out, 'utf8') : (shell?.output ?? ''))
  try {
    await shell?.shows('ready> ')
    if (shell === undefined) home.start('/bin/sh', ['-c', line], { [markName]: mark })
    else shell.type(`${line}\n`)
    await until(`${stream.name} to work`, () => stream.works.test(said()), { now: said })
    if (!(await serves(stream, said())))
      throw new Error(`${stream.name} serves nothing while unlocked\n${said()}`)
    if (clientsOf(mark).length === 0) throw new Error(`${stream.name}: no client runs\n${said()}`)
    await stream.afterwards?.(clientsOf(mark), siege)
    await home.lock()
    return (await livesOn(mark)) || (stream.serves !== undefined && (await serves(stream, said())))
  } finally {
    shell?.close()
    for (const pid of markedPids(mark)) endQuietly(pid)
  }
}

async function livesOn(mark: string): Promise<boolean> {
  const gone = until('its end', () => clientsOf(mark).length === 0, { withinMs: reapedWithinMs })
  return gone.then(
    () => false,
    () => true,
  )
}

/** Where it is to serve something: does it? */
async function serves({ serves: service }: Stream, said: string): Promise<boolean> {
  if (service === undefined) return true
  const address = service.address.exec(said)?.[1]
  if (address === undefined) throw new Error(`no address in ${said}`)
  try {
    const answer = await fetch(`http://${address}${service.path}`, { signal: AbortSignal.timeout(5_000) })
    return (await answer.text()).includes(service.answers)
  } catch {
    return false
  }
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** Stopped as Ctrl-Z does: it can't act on TERM. */
async function stop(pids: readonly number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  const stopped = (pid: number): boolean => /^State:\s+T/m.test(read(pid, 'status'))
  await until('it to stand still', () => pids.every(stopped))
}

/** Stopped first, so that none acts on another's end. */
async function killAtOnce(pids: readonly number[]): Promise<void> {
  if (pids.length === 0) throw new Error('there is none to kill')
  await stop(pids)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await until('their end', () => !pids.some(isRunning))
}

/** Gets a credential as client-go does, says so at its first answer, and asks on and on. */
const pythonClient = `
import json, os, ssl, subprocess, sys, time, urllib.request
plugin, server = sys.argv[1:3]
info = {'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential', 'spec': {'interactive': False}}
run = subprocess.run([plugin] + sys.argv[3:], env={**os.environ, 'KUBERNETES_EXEC_INFO': json.dumps(info)}, capture_output=True, text=True, check=True)
token = json.loads(run.stdout)['status']['token']
request = urllib.request.Request(server + '/api/v1/namespaces/default/pods', headers={'Authorization': 'Bearer ' + token})
while True:
    if urllib.request.urlopen(request, context=ssl._create_unverified_context()).status == 200: print('works', flush=True)
    time.sleep(0.05)
`

/** A plugin, a Makefile and a Python client of the attacker's, in the home. */
function plant({ home, own }: Siege): void {
  const files = {
    'kubectl-foo': `#!/bin/sh\nkubectl ${sleeps}\nexit 0\n`,
    'Makefile': `stream:\n\tkubectl ${sleeps}\n`,
    'client.py': pythonClient,
  }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(home.home, name), text, { mode: 0o755 })
    chownSync(join(home.home, name), own.uid, own.gid)
  }
}

const streams: readonly Stream[] = [
  { name: '`kubectl exec`', line: `kubectl ${sleeps} >OUT 2>&1`, on: 'pipes', works },
  {
    name: '`kubectl exec -it` on a terminal',
    line: `kubectl exec -it web-0 -- sh -c 'echo wor""ks; sleep 600'`,
    on: 'terminal',
    works,
  },
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
  { name: '`kubectl exec` by make', line: 'make -s stream >OUT 2>&1', on: 'pipes', works },
]

const holderName = 'a Python client on a terminal with a credential fetched just before the lock'

/** A person's script that holds a token over the lock. */
const holder = ({ home, server, credentials }: Siege): Stream => ({
  name: holderName,
  line: `/usr/bin/python3 client.py ${join(home.guardHome, 'data/bin/kubeguard-credential')} ${server} --policy default --credential ${credentials.default} >OUT 2>&1`,
  on: 'terminal',
  works: /works\n(.*\n)*works/,
})

export const streamCases: readonly BypassCase[] = [
  ...streams.map((stream) => ({
    name: stream.name,
    whileUnlocked: 'own' as const,
    attempt: (siege: Siege) => (plant(siege), outlives(siege, stream)),
  })),
  {
    name: holderName,
    whileUnlocked: 'own',
    attempt: (siege) => (plant(siege), outlives(siege, holder(siege))),
  },
]
