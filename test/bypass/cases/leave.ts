import { readdirSync, readFileSync } from 'node:fs'
import { isRunning, passphrase } from '../../fixtures/home.ts'
import { Machine } from '../../fixtures/machine.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { sshInto } from '../../fixtures/ssh.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, laySiege } from '../siege.ts'
import type { Siege } from '../siege.ts'

const usual = { idle: '20m' }

/** A siege on a machine of its own, with log-in manager and buses, and an open session. */
async function onMachine(
  attack: (siege: Siege, machine: Machine) => Promise<boolean>,
  rules: Parameters<typeof laySiege>[0] = usual,
): Promise<boolean> {
  const siege = await laySiege(rules, (own) => Machine.start(own, { buses: true }))
  try {
    await siege.home.unlock('default')
    if (!(await getsIn(siege))) throw new Error('it does not work while unlocked')
    return await attack(siege, siege.home.machine as Machine)
  } finally {
    await siege.lift()
  }
}

const getsIn = async ({ home }: Siege): Promise<boolean> => gotPods(await home.realKubectl(['get', 'pods']))

const isWaiting = async (machine: Machine): Promise<boolean> =>
  (await machine.inhibitors()).includes('"kubeguard"')

/** As the machine does: it sleeps when nobody delays it any more. */
async function sleep(machine: Machine): Promise<void> {
  await machine.signal('PrepareForSleep', 'b', 'true')
  await until('sleep to wait no longer', async () => !(await isWaiting(machine)))
}

/** Does anything get in, the moment that the machine is let sleep? */
function overSleep(siege: Siege, machine: Machine): Promise<boolean> {
  return until('sleep to wait', () => isWaiting(machine)).then(async () => {
    const stream = siege.home.start('/usr/bin/env', ['kubectl', 'exec', 'web-0', '--', 'sleep', '600'])
    await until('the stream', async () => (await siege.home.kubeguard(['ps'])).stdout.includes('exec'))
    await sleep(machine)
    return isRunning(stream) || getsIn(siege)
  })
}

/** The environment names buses at which nobody will ever say anything. */
async function busOfOwn(siege: Siege, machine: Machine): Promise<boolean> {
  const nowhere = `unix:path=${siege.home.home}/no-bus`
  const env = { DBUS_SYSTEM_BUS_ADDRESS: nowhere, DBUS_SESSION_BUS_ADDRESS: nowhere }
  await siege.home.kubeguard(['daemon', 'stop'])
  await siege.home.kubeguard(['daemon', 'start'], { env })
  await siege.home.unlock('default')
  return overSleep(siege, machine)
}

/** What holds sleep up belongs to the attacked account: it may kill it. */
async function delayKilled(siege: Siege, machine: Machine): Promise<boolean> {
  await until('sleep to wait', () => isWaiting(machine))
  const ours = readdirSync('/proc').filter((pid) => {
    try {
      const { status, command } = {
        status: readFileSync(`/proc/${pid}/status`, 'latin1'),
        command: readFileSync(`/proc/${pid}/cmdline`, 'latin1'),
      }
      return command.includes('systemd-inhibit') && status.includes(`Uid:\t${siege.own.uid}\t`)
    } catch {
      return false
    }
  })
  if (ours.length === 0) throw new Error('nothing holds sleep up')
  for (const pid of ours) process.kill(Number(pid), 'SIGKILL')
  await sleep(machine)
  await locked(siege)
  return getsIn(siege)
}

/** Where nobody waits for the lock it comes a moment later. */
const locked = ({ home }: Siege): Promise<unknown> =>
  until('the lock', async () => (await home.kubeguard(['status', 'default'])).code === 77, {
    withinMs: 10_000,
  }).catch(() => undefined)

async function loosened(siege: Siege, machine: Machine): Promise<boolean> {
  writePolicy(siege.home, { ...usual, more: '    lockOn: []\n' })
  await siege.home.kubeguard(['status'])
  return overSleep(siege, machine)
}

/** The prompt stood open when the screen was locked; the right passphrase comes after that. */
async function promptOverLock(siege: Siege, machine: Machine): Promise<boolean> {
  const { home } = siege
  const path = await machine.logIn('c1')
  const started = home.run('/bin/sh', [
    '-c',
    `(while [ ! -e go ]; do sleep 0.1; done; echo '${passphrase}') | ${repository}/bin/kubeguard unlock prod --passphrase-fd 0`,
  ])
  await until('the prompt', async () => {
    const { stdout } = await home.kubeguard(['status', '--json'])
    return /"policy": ?"prod",\s*"state": ?"unlocking"/.test(stdout)
  })
  await machine.session(path, 'Lock')
  await locked(siege)
  await home.run('touch', ['go'])
  await started
  return gotPods(await home.realKubectl(['--context', 'prod-playground', 'get', 'pods']))
}

/** Its shell does not care for the hang-up, and asks on. */
function overDisconnect(): Promise<boolean> {
  return onMachine(
    async (siege, machine) => {
      const { home } = siege
      await home.lock()
      const person = await sshInto(home, machine)
      await person.answer(`${repository}/bin/kubeguard unlock default`, /passphrase for default: $/)
      await person.answer(passphrase, /ready> $/)
      const [log, over] = [`${home.home}/asked`, `${home.home}/over`]
      const line = `trap '' HUP; (until [ -e ${over} ]; do if KUBEGUARD_PROMPT=never kubectl get pods; then echo served; else echo refused; fi >>${log} 2>&1 </dev/null; sleep 0.3; done) >/dev/null 2>&1 &`
      await person.answer(line, /ready> $/)
      const last = (): string | undefined => readFileSync(log, 'utf8').trim().split('\n').at(-1)
      try {
        await until(
          'the first answers',
          async () => (await home.run('grep', ['-q', 'served', log])).code === 0,
        )
        process.kill(person.terminal.pty.pid, 'SIGKILL')
        await locked(siege)
        const lines = readFileSync(log, 'utf8').length
        await until('another answer', () =>
          /(served|refused)\n[\s\S]*(served|refused)/.test(readFileSync(log, 'utf8').slice(lines)),
        )
        return last() === 'served' || getsIn(siege)
      } finally {
        // Else there is always one more process of this home.
        await home.run('touch', [over])
      }
    },
    { ...usual, more: '    lockOn: [disconnect]\n' },
  )
}

export const leaveCases: readonly BypassCase[] = [
  {
    name: 'a client and a stream, at the moment that the machine is let sleep',
    whileUnlocked: 'own',
    attempt: () => onMachine(overSleep),
  },
  {
    name: 'the same, where the daemon’s environment names a bus at which nobody says so',
    whileUnlocked: 'own',
    attempt: () => onMachine(busOfOwn),
  },
  {
    name: 'what has sleep wait for the lock, killed just before',
    whileUnlocked: 'own',
    attempt: () => onMachine(delayKilled),
  },
  {
    name: '`lockOn` emptied in the policy file while unlocked, then sleep',
    whileUnlocked: 'own',
    attempt: () => onMachine(loosened),
  },
  {
    name: 'an unlock begun before the screen was locked and proven after it',
    whileUnlocked: 'own',
    attempt: () => onMachine(promptOverLock),
  },
  {
    name: 'an ssh connection dropped, its shell ignoring the hang-up and asking on (`lockOn: [disconnect]`)',
    whileUnlocked: 'own',
    attempt: overDisconnect,
  },
]
