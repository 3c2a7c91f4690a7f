import { chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { node, repository, TestTerminal, until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, laySiege, speak } from '../siege.ts'
import type { Siege } from '../siege.ts'

/** Idle limit and 8 s of the kernel's steps make 18 s; the rest is for a machine that is busy. */
const idle = '10s'
const lockedWithinMs = 30_000

const stateOf = async ({ home }: Siege): Promise<string | undefined> => {
  const { sessions } = JSON.parse((await home.kubeguard(['status', '--json'])).stdout) as {
    sessions: { policy: string; state: string }[]
  }
  return sessions.find(({ policy }) => policy === 'default')?.state
}

/** `round` asks once, in some disguise, and tells whether it was served. @returns whether it kept the session open. */
async function keepsOpen(siege: Siege, round: () => Promise<boolean>): Promise<boolean> {
  await siege.home.unlock('default')
  if (!(await round())) throw new Error('unlocked, and yet it was not served')
  const endsAt = performance.now() + lockedWithinMs
  while ((await stateOf(siege)) === 'unlocked') {
    if (performance.now() > endsAt) return true
    await round()
    await sleep(200)
  }
  return gotPods(await siege.home.realKubectl(['get', 'pods']))
}

/** A siege with a limit of seconds, of the case's own. */
async function withShortLimit(attack: (siege: Siege) => Promise<boolean>): Promise<boolean> {
  const siege = await laySiege({ idle })
  try {
    return await attack(siege)
  } finally {
    await siege.lift()
  }
}

/** kubectl on a new terminal of its own, each time. */
async function onFreshTerminal({ home, own }: Siege): Promise<boolean> {
  const account = ['--reuid', String(own.uid), '--regid', String(own.gid), '--clear-groups']
  const kubectl = ['/usr/bin/env', 'KUBEGUARD_PROMPT=never', 'kubectl', 'get', 'pods']
  const terminal = new TestTerminal('/usr/bin/setpriv', [...account, ...kubectl], home.env, home.home)
  try {
    await terminal.ended()
    return terminal.output.includes('Running')
  } finally {
    terminal.close()
  }
}

/** The same with script(1), whose terminals belong to the account itself. */
async function byScript({ home }: Siege): Promise<boolean> {
  // Its input stays open meanwhile: at its end script sends a Ctrl-D, which is a key.
  const command = `sleep 3 | script -qec 'kubectl get pods' /dev/null`
  const run = await home.run('/bin/sh', ['-c', command], { env: { KUBEGUARD_PROMPT: 'never' } })
  return run.stdout.includes('Running')
}

/** On a terminal that carried a request: output, and the dates that a reader would leave, made up. */
const touching = `
terminal=$(tty)
while kubectl get pods; do
  touch "$terminal" && touch -a "$terminal" && touch -a -d '@'$(date +%s) "$terminal" || exit 1
  touch -a -d '+1 hour' "$terminal" && echo touched
  touch -a -d "$(date -d '-2 seconds' '+%F %T')" "$terminal"
  sleep 0.3
done
`

async function touchesTerminal(siege: Siege): Promise<boolean> {
  const { home, own } = siege
  const [program, said] = [join(home.home, 'touching'), join(home.home, 'said')]
  for (const [path, text] of [
    [program, touching],
    [said, ''],
  ] as const) {
    writeFileSync(path, text)
    chownSync(path, own.uid, own.gid)
  }
  const words = (): string => (existsSync(said) ? readFileSync(said, 'utf8') : '')
  let started = false
  return keepsOpen(siege, async () => {
    if (!started)
      home.start('/bin/sh', ['-c', `sleep 60 | script -qfec 'sh ${program}' ${said}`], {
        KUBEGUARD_PROMPT: 'never',
      })
    started = true
    const before = words().length
    await until('one more touch', () => words().slice(before).includes('touched'), { now: words }).catch(
      async (error) => {
        if ((await stateOf(siege)) === 'unlocked') throw error
      },
    )
    return words().includes('Running')
  })
}

/** A date a moment ahead, set before anyone has looked at the terminal, and a request once it has come. */
async function datedAhead({ home }: Siege): Promise<boolean> {
  const inside = `touch -a -d @$(($(date +%s) + 2)) "$(tty)" && sleep 2.2 && kubectl get pods`
  const run = await home.run('/bin/sh', ['-c', `sleep 5 | script -qec '${inside}' /dev/null`], {
    env: { KUBEGUARD_PROMPT: 'never' },
  })
  return run.stdout.includes('Running')
}

/** Output alone, and without end, on a terminal that carried a request. */
async function outputOnly(siege: Siege): Promise<boolean> {
  const { home, own } = siege
  const account = ['--reuid', String(own.uid), '--regid', String(own.gid), '--clear-groups']
  const loop = 'kubectl get pods; while :; do echo output; sleep 0.1; done'
  let terminal: TestTerminal | undefined
  try {
    return await keepsOpen(siege, async () => {
      terminal ??= new TestTerminal(
        '/usr/bin/setpriv',
        [...account, '/bin/sh', '-c', loop],
        home.env,
        home.home,
      )
      const { output } = terminal
      await until('more output', () => terminal?.output.slice(output.length).includes('output'))
      return terminal.output.includes('Running')
    })
  } finally {
    terminal?.close()
  }
}

/** A program in a pod that asks the terminal where the cursor is, and a terminal that answers, as all do. */
const asking = Array.from({ length: 200 }, () => `echo 'wor""ks \x1b[6n'; sleep 0.5`).join('; ')

async function answers(siege: Siege): Promise<boolean> {
  const { home, own } = siege
  const account = ['--reuid', String(own.uid), '--regid', String(own.gid), '--clear-groups']
  const client = ['/usr/bin/env', 'kubectl', 'exec', '-it', 'web-0', '--', 'sh', '-c', asking]
  let terminal: TestTerminal | undefined
  try {
    return await keepsOpen(siege, async () => {
      terminal ??= new TestTerminal('/usr/bin/setpriv', [...account, ...client], home.env, home.home)
      await terminal.shows('\x1b[6n')
      terminal.type('\x1b[1;1R')
      return true
    })
  } finally {
    terminal?.close()
  }
}

/** On a terminal, in the foreground, as a shim would ask. */
async function poses({ home }: Siege): Promise<boolean> {
  const inside = [node, join(repository, 'test', 'bypass', 'speak.ts'), 'pose-as-supervisor'].join(' ')
  const run = await home.run('/bin/sh', ['-c', `sleep 10 | script -qec '${inside}' /dev/null`], {
    timeoutMs: 60_000,
  })
  if (!run.stdout.includes('spoken')) throw new Error(`it was not tried: ${run.stdout}${run.stderr}`)
  return run.stdout.includes('GOT')
}

export const presenceCases: readonly BypassCase[] = [
  {
    name: 'a request from a fresh terminal every time, and by `script`, to pass for a person',
    whileUnlocked: 'own',
    attempt: () =>
      withShortLimit((siege) =>
        keepsOpen(siege, async () => {
          const served = await Promise.all([onFreshTerminal(siege), byScript(siege)])
          return served.every(Boolean)
        }),
      ),
  },
  {
    name: '`touch` and dates made up on a terminal that carried a request',
    whileUnlocked: 'own',
    attempt: () => withShortLimit(touchesTerminal),
  },
  {
    name: 'a fresh terminal every time, its date set ahead before its first request',
    whileUnlocked: 'own',
    attempt: () => withShortLimit((siege) => keepsOpen(siege, () => datedAhead(siege))),
  },
  {
    name: 'output without end on a terminal that carried a request',
    whileUnlocked: 'own',
    attempt: () => withShortLimit(outputOnly),
  },
  {
    name: 'a program in a pod that has the terminal of `kubectl exec -it` answer it without end',
    whileUnlocked: 'own',
    attempt: () => withShortLimit(answers),
  },
  {
    name: 'keys told to the daemon by a process that supervises nothing',
    whileUnlocked: 'never',
    attempt: async (siege) => (await speak(siege, 'tell-keys')).stdout.includes('GOT'),
  },
  {
    name: 'a program that has the gate name it a supervised stream, and then tells of keys itself',
    whileUnlocked: 'never',
    attempt: poses,
  },
]
