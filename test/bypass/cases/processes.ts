import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { isRunning } from '../../fixtures/home.ts'
import { node, repository, until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { asOther, gotPods, pidsOf } from '../siege.ts'
import type { Siege } from '../siege.ts'

const bothPids = (siege: Siege): number[] => [...pidsOf(siege, 'daemon'), ...pidsOf(siege, 'keeper')]

/** Everything that shows the inside of a process. */
const looks = (pid: number): [string, string[]][] => [
  ['/bin/cat', [`/proc/${pid}/maps`]],
  ['/bin/cat', [`/proc/${pid}/environ`]],
  ['/usr/bin/head', ['-c1', `/proc/${pid}/mem`]],
  ['/bin/ls', [`/proc/${pid}/fd/`]],
  ['/bin/sh', ['-c', `timeout -s INT 1 strace -o /dev/null -p ${pid} 2>&1 | grep attached`]],
]

async function lookInside(siege: Siege, who: 'own' | 'other'): Promise<boolean> {
  await siege.home.unlock('default')
  const pids = bothPids(siege)
  if (pids.length < 2) throw new Error('no daemon or no keeper to look into')
  for (const pid of pids) {
    for (const [file, args] of looks(pid)) {
      const run = who === 'own' ? await siege.home.run(file, args) : await asOther(siege, file, args)
      if (run.code === 0) return true
    }
  }
  return false
}

/** Node's debugger listens on 9229 after SIGUSR1, for every local user. */
async function debuggerPort(siege: Siege): Promise<boolean> {
  await siege.home.unlock('default')
  for (const pid of bothPids(siege)) await siege.home.run('/bin/kill', ['-USR1', String(pid)])
  await siege.home.kubeguard(['status'])
  return new Promise((resolve) => {
    const socket = createConnection(9229, '127.0.0.1')
    socket.on('connect', () => (socket.destroy(), resolve(true)))
    socket.on('error', () => resolve(false))
  })
}

async function coreDump(siege: Siege): Promise<boolean> {
  await siege.home.unlock('default')
  const [keeper] = pidsOf(siege, 'keeper')
  await siege.home.run('/bin/sh', ['-c', `ulimit -c unlimited; kill -ABRT ${keeper}`])
  await until('the keeper to end', () => keeper !== undefined && !isRunning(keeper))
  return existsSync('/core') || existsSync(`/core.${keeper}`)
}

/** Runs `act` on the processes of an open session, then tries again. */
async function afterwards(siege: Siege, act: (siege: Siege) => Promise<void>): Promise<boolean> {
  await siege.home.unlock('default')
  if (!gotPods(await siege.home.realKubectl(['get', 'pods']))) throw new Error('unlocked, and yet no pods')
  await act(siege)
  return gotPods(await siege.home.realKubectl(['get', 'pods'], { timeoutMs: 100_000 }))
}

async function signal({ home }: Siege, name: string, pids: readonly number[]): Promise<void> {
  for (const pid of pids) await home.run('/bin/kill', [`-${name}`, String(pid)])
}

/** A stopped daemon can't be asked, and after 20 s its keeper ends by itself. */
async function stoppedDaemon(siege: Siege): Promise<boolean> {
  await siege.home.unlock('default')
  const daemon = pidsOf(siege, 'daemon')
  const keepers = pidsOf(siege, 'keeper')
  await signal(siege, 'STOP', daemon)
  try {
    await until('the keeper to end by itself', () => !keepers.some(isRunning), { withinMs: 40_000 })
  } finally {
    await signal(siege, 'CONT', daemon)
  }
  return gotPods(await siege.home.realKubectl(['get', 'pods']))
}

async function secondDaemon(siege: Siege): Promise<boolean> {
  await siege.home.unlock('default')
  const before = pidsOf(siege, 'daemon')
  const elsewhere = { HOME: '/', PATH: '/bin', LANG: 'C', XDG_RUNTIME_DIR: '/tmp' }
  await siege.home.run(node, ['--disable-sigusr1', join(repository, 'dist', 'daemon.cjs')], {
    env: elsewhere,
  })
  return pidsOf(siege, 'daemon').join() !== before.join()
}

export const processCases: readonly BypassCase[] = [
  {
    name: 'memory, ptrace and descriptors of daemon and keeper, as the same account',
    whileUnlocked: 'own',
    attempt: (siege) => lookInside(siege, 'own'),
  },
  {
    name: 'memory, ptrace and descriptors of daemon and keeper, as another account',
    whileUnlocked: 'own',
    attempt: (siege) => lookInside(siege, 'other'),
  },
  { name: 'SIGUSR1 and the debugger’s port', whileUnlocked: 'own', attempt: debuggerPort },
  { name: 'a core dump of the keeper', whileUnlocked: 'own', attempt: coreDump },
  {
    name: 'the daemon killed',
    whileUnlocked: 'own',
    attempt: (siege) => afterwards(siege, () => signal(siege, 'KILL', pidsOf(siege, 'daemon'))),
  },
  { name: 'the daemon stopped with SIGSTOP', whileUnlocked: 'own', attempt: stoppedDaemon },
  {
    name: 'the daemon restarted',
    whileUnlocked: 'own',
    attempt: (siege) =>
      afterwards(siege, async ({ home }) => void (await home.kubeguard(['daemon', 'restart']))),
  },
  { name: 'a second daemon under another environment', whileUnlocked: 'own', attempt: secondDaemon },
  {
    name: 'the keeper killed',
    whileUnlocked: 'own',
    attempt: (siege) => afterwards(siege, () => signal(siege, 'KILL', pidsOf(siege, 'keeper'))),
  },
  {
    name: 'the keeper stopped with SIGSTOP, then the session locked',
    whileUnlocked: 'own',
    attempt: (siege) =>
      afterwards(siege, async () => {
        const keepers = pidsOf(siege, 'keeper')
        await signal(siege, 'STOP', keepers)
        await siege.home.lock()
        if (keepers.some(isRunning)) throw new Error('a stopped keeper outlived the lock')
      }),
  },
]
