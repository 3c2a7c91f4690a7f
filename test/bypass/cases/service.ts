import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { good, isRunning } from '../../fixtures/home.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import { UserManager } from '../../fixtures/user-manager.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, pidsOf, speak } from '../siege.ts'
import type { Siege } from '../siege.ts'

const launcher = join(repository, 'bin', 'kubeguard')
const placeOf = ({ home }: Siege, name: string): string => join(home.guardHome, 'run', name)

/** Runs an attack on a daemon that was started in another way, with an open session. */
async function withDaemon(
  siege: Siege,
  start: () => Promise<void>,
  attack: () => Promise<boolean>,
): Promise<boolean> {
  const { home } = siege
  await home.kubeguard(['daemon', 'stop'])
  await start()
  try {
    await home.unlock('default')
    if (!gotPods(await home.realKubectl(['get', 'pods']))) throw new Error('unlocked, and yet no pods')
    return await attack()
  } finally {
    await home.kubeguard(['daemon', 'stop'])
  }
}

/** The socket that has the daemon started is none at which it answers. */
async function speakToBell(siege: Siege): Promise<boolean> {
  const bell = placeOf(siege, 'bell.sock')
  const names = Object.keys(siege.home.env).flatMap((name) => ['-E', name])
  const start = async (): Promise<void> => {
    siege.home.start('systemd-socket-activate', [...names, '-l', bell, launcher, 'daemon', 'run'])
    await until('who listens', async () => (await siege.home.run('test', ['-S', bell])).code === 0)
    good(await siege.home.kubeguard(['daemon', 'start']))
  }
  const said = async (path: string): Promise<string> => (await speak(siege, 'speak-to', path)).stdout
  return withDaemon(siege, start, async () => {
    if (!(await said(placeOf(siege, 'daemon.sock'))).startsWith('GOT'))
      throw new Error('the daemon’s own socket is silent')
    const answer = await said(bell)
    if (!/^(GOT|silent)/.test(answer)) throw new Error(`nobody was spoken to: ${answer}`)
    return answer.startsWith('GOT')
  }).finally(() => rmSync(bell, { force: true }))
}

/** A manager that reads nothing, so that whoever tells it something would wait for ever. */
async function deafManager(siege: Siege): Promise<boolean> {
  const { home } = siege
  const address = `@${home.root}`
  const reader = join(repository, 'test', 'fixtures', 'notify-reader.py')
  const start = async (): Promise<void> => {
    const deaf = home.start('sh', ['-c', `tail -f /dev/null | python3 ${reader} ${address} deaf`])
    await until('a deaf manager', async () => {
      if (!isRunning(deaf)) throw new Error('the deaf manager ended')
      return (await home.run('grep', ['-q', address, '/proc/net/unix'])).code === 0
    })
    home.start(launcher, ['daemon', 'run'], { NOTIFY_SOCKET: address, WATCHDOG_USEC: '30000000' })
    await until('a daemon', () => home.daemonPid(), { withinMs: 60_000 })
  }
  return withDaemon(siege, start, async () => {
    await home.lock('default')
    return gotPods(await home.realKubectl(['get', 'pods'])) || pidsOf(siege, 'keeper').length > 0
  })
}

/** Stopped, a keeper hears of nothing; systemd wakes it to end it. */
async function killedBesideStopped(siege: Siege): Promise<boolean> {
  const { home } = siege
  await using manager = await UserManager.start(home)
  const start = async (): Promise<void> => void good(await manager.kubeguard(['service', 'install']))
  try {
    return await withDaemon(siege, start, async () => {
      const [keeper] = pidsOf(siege, 'keeper')
      const daemon = pidsOf(siege, 'daemon')
      if (keeper === undefined) throw new Error('no keeper runs')
      await home.run('/bin/kill', ['-STOP', String(keeper)])
      await home.run('/bin/kill', ['-KILL', ...daemon.map(String)])
      await until('the end of the keeper', () => !isRunning(keeper), { withinMs: 60_000 })
      return gotPods(await home.realKubectl(['get', 'pods']))
    })
  } finally {
    await manager.kubeguard(['service', 'uninstall'])
  }
}

export const serviceCases: readonly BypassCase[] = [
  {
    name: 'the socket at which systemd waits for clients, spoken to as the daemon’s',
    whileUnlocked: 'own',
    attempt: speakToBell,
  },
  {
    name: 'a service manager that hangs, so that a lock would wait for it',
    whileUnlocked: 'own',
    attempt: deafManager,
  },
  {
    name: 'the daemon of the service killed, its keeper stopped with SIGSTOP before',
    whileUnlocked: 'own',
    attempt: killedBesideStopped,
  },
]
