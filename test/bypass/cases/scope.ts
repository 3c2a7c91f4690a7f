import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { personIn } from '../../fixtures/person.ts'
import type { Person } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { passphrase } from '../../fixtures/home.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, usualRules } from '../siege.ts'
import type { Siege } from '../siege.ts'
import { tools } from '../terminal-thief.ts'

const perTerminal = { ...usualRules, more: `${usualRules.more}    scope: terminal\n` }

interface Terminals {
  /** Where the session is open. */
  readonly here: Person
  /** Of the same account, where nothing is. */
  readonly there: Person
}

/** The shim, then the real client behind it, whose plugin asks. */
const clients = [
  'KUBEGUARD_PROMPT=never kubectl get pods',
  'KUBEGUARD_PROMPT=never PATH=${PATH#*:} kubectl get pods',
] as const

/** Runs an attack on what one terminal has open, and puts the usual rules back. */
async function onOneTerminal(
  siege: Siege,
  attack: (terminals: Terminals) => Promise<boolean>,
): Promise<boolean> {
  const { home } = siege
  writePolicy(home, perTerminal)
  try {
    using here = await personIn(home)
    using there = await personIn(home)
    await here.enterAndUnlock('kubeguard unlock default')
    for (const client of clients)
      if (!(await getsIn(here, client))) throw new Error(`it does not work while unlocked: ${here.output}`)
    const gotIn = await attack({ here, there })
    if (!(await getsIn(here, clients[0]))) throw new Error(`it is open no longer: ${here.output}`)
    return gotIn
  } finally {
    await home.lock()
    writePolicy(home, usualRules)
  }
}

const getsIn = async (person: Person, line: string): Promise<boolean> =>
  (await person.enter(line)).shown.includes('Running')

/** Does any of these lines get in at this terminal? */
async function anyGetsIn(person: Person, lines: readonly string[]): Promise<boolean> {
  for (const line of lines) {
    const { shown } = await person.enter(line)
    if (shown.includes('Running')) return true
    if (!/kubeguard: default is (locked|unlocked for one)/.test(shown))
      throw new Error(`not refused: ${shown}`)
  }
  return false
}

/** The device that a person's shell has. */
async function deviceOf(person: Person): Promise<string> {
  const { shown } = await person.enter('tty')
  return /\/dev\/pts\/\d+/.exec(shown)?.[0] as string
}

/** Lines that try to pass for who is at this terminal: by what is open, and by asking the kernel for it. */
const thefts = (device: string): string[] =>
  clients.flatMap((client) => [
    `(${client}) <${device}`,
    `(${client} 2>&1 <${device} | cat)`,
    `setsid --wait sh -c '${client}' <${device}`,
    `python3 -c "${tools.take}" ${device} sh -c '${client}'`,
  ])

/** The terminal that a supervisor has made for the stream of this home. */
function innerDevice({ home }: Siege, outer: string): string | undefined {
  const mark = `KUBEGUARD_HOME=${home.guardHome}`
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const isOurs = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)
      if (!isOurs || !readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('web-0')) continue
      const device = readlinkSync(`/proc/${pid}/fd/0`)
      if (device.startsWith('/dev/pts/') && device !== outer) return device
    } catch {
      // It is gone, or shows nothing.
    }
  }
  return undefined
}

/** A terminal whose number and device node stay while its leader is another one. */
async function usedAgain(siege: Siege): Promise<boolean> {
  const { home } = siege
  writePolicy(home, perTerminal)
  try {
    const run = await home.run('/usr/bin/python3', ['-c', tools.useAgain], { input: `${passphrase}\n` })
    const [first, second] = run.stdout.split('---')
    if (first === undefined || second === undefined || !first.includes('Running'))
      throw new Error(`it does not work for the first: ${run.stdout}${run.stderr}`)
    if (!second.includes('/dev/tty') || !second.includes('default is locked')) throw new Error(run.stdout)
    return second.includes('Running')
  } finally {
    await home.lock()
    writePolicy(home, usualRules)
  }
}

export const scopeCases: readonly BypassCase[] = [
  {
    name: 'what one terminal has open, asked for at another of the same account',
    whileUnlocked: 'own',
    attempt: (siege) =>
      onOneTerminal(siege, async ({ there }) => {
        const gotIn = await anyGetsIn(there, clients)
        const extended = await there.enter('kubeguard extend default')
        return gotIn || extended.code === 0
      }),
  },
  {
    name: 'the same without a terminal: by `setsid`, and by what never had one',
    whileUnlocked: 'own',
    attempt: (siege) =>
      onOneTerminal(siege, async ({ here }) => {
        const gotIn = await anyGetsIn(
          here,
          clients.map((client) => `setsid --wait sh -c '${client}'`),
        )
        const args = ['get', 'pods']
        const { home } = siege
        return gotIn || gotPods(await home.kubectl(args)) || gotPods(await home.realKubectl(args))
      }),
  },
  {
    name: 'the same with that terminal as standard input, and taken by TIOCSCTTY',
    whileUnlocked: 'own',
    attempt: (siege) =>
      onOneTerminal(siege, async ({ here, there }) => anyGetsIn(there, thefts(await deviceOf(here)))),
  },
  {
    name: 'the same with the inner terminal of a supervised stream',
    whileUnlocked: 'own',
    attempt: (siege) =>
      onOneTerminal(siege, async ({ here, there }) => {
        const outer = await deviceOf(here)
        await here.answer(`kubectl exec -it web-0 -- sh -c 'echo wor""ks; sleep 600'`, 'works')
        const inner = await until('an inner terminal', () => innerDevice(siege, outer))
        const gotIn = await anyGetsIn(there, thefts(inner))
        await here.answer('\u0003', /ready> $/)
        return gotIn
      }),
  },
  {
    name: 'a terminal used again by another session’s leader, once the one who unlocked there is gone',
    whileUnlocked: 'own',
    attempt: usedAgain,
  },
]
