import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { good, isRunning } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import type { TestTerminal } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { endMarked, outlives, shellOf, supervisorsOf } from '../outlive.ts'
import type { Stream } from '../outlive.ts'
import { pidsOf, usualRules } from '../siege.ts'
import type { Siege } from '../siege.ts'
import { killAtOnce, stop } from './streams.ts'

const suspendingRules = { ...usualRules, more: `${usualRules.more}    live: suspend\n` }

/** Runs an attack under rules that cover streams at a lock, and puts the usual ones back. */
async function whereSuspended<T>({ home }: Siege, attack: () => Promise<T>): Promise<T> {
  writePolicy(home, suspendingRules)
  try {
    return await attack()
  } finally {
    writePolicy(home, usualRules)
    await home.lock()
  }
}

interface Covered {
  readonly shell: TestTerminal
  /** The supervisor, then its warden. */
  readonly supervisors: readonly number[]
  /** What the person's terminal was sent since the lock began. */
  readonly since: () => string
}

/** Starts this in a pod while unlocked, on a person's terminal; once it shows `works` it is covered by a lock. */
async function behindLock(
  siege: Siege,
  command: string,
  attack: (covered: Covered) => Promise<boolean>,
): Promise<boolean> {
  const { home } = siege
  const mark = randomBytes(8).toString('hex')
  return whereSuspended(siege, async () => {
    await home.unlock('default')
    const shell = shellOf(siege, mark)
    try {
      await shell.shows('ready> ')
      shell.type(`${command}\n`)
      await until('it to work', () => /works/.test(shell.output), { now: () => shell.output })
      const from = shell.output.length
      const since = (): string => shell.output.slice(from)
      await home.lock()
      await until('the lock screen', () => since().includes('press Enter to unlock'), { now: since })
      return await attack({ shell, supervisors: supervisorsOf(mark), since })
    } finally {
      shell.close()
      endMarked(mark)
    }
  })
}

const inPod = (script: string): string => `kubectl exec -it web-0 -- ${script}`

/** Bytes that programs of streams have written by now: others may be listed beside ours. */
async function written({ home }: Siege): Promise<number> {
  const { stdout } = good(await home.kubeguard(['ps', '--json']))
  const { clients } = JSON.parse(stdout) as { clients: { outputBytes?: number }[] }
  return clients.reduce((sum, { outputBytes = 0 }) => sum + outputBytes, 0)
}

/** Unseen, but not for nothing: what it wrote is there after the unlock. */
async function keepsOutput(siege: Siege): Promise<boolean> {
  // Later than a lock stands on a busy machine.
  const talks = inPod(`sh -c 'echo wor""ks; sleep 12; echo hid""den; sleep 600'`)
  return behindLock(siege, talks, async ({ shell, since }) => {
    const before = await written(siege)
    await until('output', async () => (await written(siege)) > before)
    const leaked = since().includes('hidden')
    await siege.home.unlock('default')
    await shell.shows('hidden')
    return leaked
  })
}

async function takesKeys(siege: Siege): Promise<boolean> {
  return behindLock(siege, `${inPod('sh')}; echo fin""ished\necho wor""ks`, async ({ shell, since }) => {
    shell.type('echo in""truder\x03\x04\x1a\x1c\x1b[200~exit\x1b[201~')
    await siege.home.unlock('default')
    shell.type('echo go""es on\n')
    await until('keys again', () => since().includes('goes on'), { now: since })
    return /intruder|finished/.test(since())
  })
}

/** The answers of a terminal hold no Enter of a person's, whatever a program had it say. */
async function answersLockScreen(siege: Siege): Promise<boolean> {
  return behindLock(siege, inPod(`sh -c 'echo wor""ks; sleep 600'`), async ({ shell, since }) => {
    shell.type('\x1b[12;40R\x1b[?64;1c\x1bP1$r\r\x1b\\\x1b]11;rgb:0/0/0\r\x07\x1b[I\x1b[<35;1;1M')
    shell.type('\x1b[O')
    const asked = until('a question', () => since().includes('passphrase'), { withinMs: 3_000 })
    return asked.then(
      () => true,
      () => false,
    )
  })
}

/** Everything of the two processes that the kernel shows in files. */
const looks = (pid: number): string =>
  `for f in /proc/${pid}/fd/* /proc/${pid}/mem /proc/${pid}/environ; do cat "$f" 2>/dev/null; done; ls -l /proc/${pid}/fd`

async function readsLog(siege: Siege): Promise<boolean> {
  return behindLock(
    siege,
    inPod(`sh -c 'echo wor""ks; sleep 600'`),
    async ({ supervisors: [supervisor = 0] }) => {
      const screen = await until('a process that knows the screen', () => screenOf(supervisor))
      const got = []
      for (const pid of [supervisor, screen]) {
        const run = await siege.home.run('/usr/bin/timeout', ['5', '/bin/sh', '-c', looks(pid)])
        got.push(run.stdout)
      }
      return got.some((text) => /works|memfd|socket/.test(text))
    },
  )
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number)

const screenOf = (supervisor: number): number | undefined =>
  childrenOf(supervisor).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('kubeguard-screen'),
  )

const onTerminal = inPod(`sh -c 'echo wor""ks; sleep 600'`)

/** It can't cover anything: it has to end as under `live: kill`. */
const stopped: Stream = {
  name: 'a stream to be covered whose supervisor was stopped',
  line: onTerminal,
  on: 'terminal',
  works: /works/,
  afterwards: (_, __, mark) => stop(supervisorsOf(mark).slice(0, 1)),
}

type Act = (siege: Siege, supervisors: readonly number[]) => Promise<void>

/** What is done to a covered stream, and ends it. */
const acts: Readonly<Record<string, Act>> = {
  'supervisor was killed': (_, [supervisor]) => killAtOnce([supervisor as number]),
  'warden was stopped, and its supervisor killed': async (_, [supervisor, warden]) => {
    await stop([warden as number])
    await killAtOnce([supervisor as number])
  },
  'daemon and reaper were killed at once': (siege) =>
    killAtOnce([...pidsOf(siege, 'reaper'), ...pidsOf(siege, 'daemon')]),
}

/** Does kubectl live on? */
const livesOn = (siege: Siege, act: Act): Promise<boolean> =>
  behindLock(siege, onTerminal, async ({ supervisors }) => {
    const kubectl = childrenOf(supervisors[1] as number)[0] as number
    await act(siege, supervisors)
    return until('its end', () => !isRunning(kubectl), { withinMs: 5_000 }).then(
      () => false,
      () => true,
    )
  })

export const suspendedCases: readonly BypassCase[] = [
  { name: 'keys typed at a covered stream', whileUnlocked: 'own', attempt: takesKeys },
  { name: 'output of a covered stream, on its terminal', whileUnlocked: 'own', attempt: keepsOutput },
  {
    name: 'answers of a terminal, which a program asked for, at the lock screen',
    whileUnlocked: 'own',
    attempt: answersLockScreen,
  },
  {
    name: 'what a covered stream wrote, read by the account from supervisor and screen',
    whileUnlocked: 'own',
    attempt: readsLog,
  },
  {
    name: stopped.name,
    whileUnlocked: 'own',
    attempt: (siege) => whereSuspended(siege, () => outlives(siege, stopped)),
  },
  ...Object.entries(acts).map(([name, act]) => ({
    name: `a covered stream whose ${name}`,
    whileUnlocked: 'own' as const,
    attempt: (siege: Siege) => livesOn(siege, act),
  })),
]
