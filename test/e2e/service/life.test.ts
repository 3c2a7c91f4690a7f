import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { good, isRunning, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { copyInstallation, updateInstallation } from '../../fixtures/installation.ts'
import type { Run } from '../../fixtures/run-program.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import { daemonIn, homeWithManager, homeWithService, isRoot } from './service-home.ts'
import type { ServiceHome } from './service-home.ts'

const slow = { withinMs: 90_000 }

async function pidIn(home: TestHome): Promise<number> {
  const daemon = await daemonIn(home)
  if (daemon === undefined) throw new Error('no daemon runs')
  return daemon.pid
}

/** The keeper of this home’s open session: in the unit’s group, beside the daemon. */
async function keeperIn({ manager }: ServiceHome): Promise<number> {
  const pids = await manager.processesOf('kubeguard.service')
  const keeper = pids.find((pid) => /keeper\.cjs/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1')))
  if (keeper === undefined) throw new Error('no keeper runs')
  return keeper
}

/** A stream through the shim. Resolves when the reaper watches it. */
async function startStream({ home, manager }: ServiceHome): Promise<number> {
  const line = ['kubectl', 'exec', 'web-0', '--', 'sh', '-c', 'echo works; sleep 600']
  const pid = home.start('/usr/bin/env', line)
  await until(
    'a reaper',
    async () => {
      const pids = await manager.processesOf('kubeguard.service')
      return pids.some((each) => /kubeguard-reaper|reaper\.cjs/.test(commandOf(each)))
    },
    slow,
  )
  return pid
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

const stateOf = async (home: TestHome): Promise<string> =>
  (JSON.parse((await home.kubeguard(['status', '--json'])).stdout) as { sessions: { state: string }[] })
    .sessions[0]?.state ?? ''

describe.runIf(isRoot)('the daemon as a service', () => {
  test('killed: its keeper ends though it was stopped, streams end, and a new daemon is there unasked', async () => {
    const found = await homeWithService()
    const { home, manager } = found
    await home.unlock()
    const stream = await startStream(found)
    const [daemon, keeper] = [await pidIn(home), await keeperIn(found)]
    process.kill(keeper, 'SIGSTOP')
    process.kill(daemon, 'SIGKILL')
    await until('the end of the keeper and the stream', () => !isRunning(keeper) && !isRunning(stream), slow)
    await until(
      'another daemon',
      async () => {
        const next = await manager.property('kubeguard.service', 'MainPID')
        return next !== '0' && next !== String(daemon) && (await daemonIn(home))?.byService
      },
      slow,
    )
    expect(await stateOf(home)).toBe('locked')
  })

  test('stopped by systemd: every session is locked first, and nothing of it is left', async () => {
    const found = await homeWithService()
    const { home, manager } = found
    await home.unlock()
    const stream = await startStream(found)
    const [daemon, keeper] = [await pidIn(home), await keeperIn(found)]
    good(await manager.systemctl('stop', 'kubeguard.service'))
    for (const pid of [daemon, keeper, stream]) await until(`the end of ${pid}`, () => !isRunning(pid), slow)
    expect(await manager.property('kubeguard.service', 'Result')).toBe('success')
    const { stdout } = await home.kubeguard(['log', '--json', '--event', 'locked'])
    expect(stdout).toContain('daemon-stopped')
  })

  test('the watchdog ends one that hangs with an open session', { timeout: 300_000 }, async () => {
    const { home, manager } = await homeWithService()
    await home.unlock()
    expect(await manager.property('kubeguard.service', 'WatchdogUSec')).toBe('30s')
    const daemon = await pidIn(home)
    process.kill(daemon, 'SIGSTOP')
    await until('the end of the one that hangs', () => !isRunning(daemon), { withinMs: 120_000 })
    await until('another', async () => ((await daemonIn(home))?.pid ?? daemon) !== daemon, slow)
    expect(await stateOf(home)).toBe('locked')
  })

  test('while all is locked the watchdog is off, and nothing wakes', { timeout: 300_000 }, async () => {
    const { home, manager } = await homeWithService()
    const watchdog = (): Promise<string> => manager.property('kubeguard.service', 'WatchdogUSec')
    expect(await watchdog()).toBe('0')
    await home.unlock()
    await home.lock()
    const pid = await pidIn(home)
    await until('a watchdog that is off', async () => (await watchdog()) === '0', slow)
    // The garbage of what was asked comes first.
    const quiet = async (): Promise<boolean> => {
      const before = sleepsOf(pid)
      await pause(10_000)
      return sleepsOf(pid) === before
    }
    expect(await until('ten seconds without a wake-up', quiet, { withinMs: 150_000 })).toBe(true)
  })

  test('one daemon per account: the unit stands aside for one that runs, and the other way round', async () => {
    const { home, manager } = await homeWithService()
    const serving = await daemonIn(home)
    const second = await home.run(join(repository, 'bin', 'kubeguard'), ['daemon', 'run'])
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('another daemon') })
    expect(await daemonIn(home)).toEqual(serving)

    good(await manager.systemctl('stop', 'kubeguard.socket', 'kubeguard.service'))
    good(await home.kubeguard(['daemon', 'start']))
    const own = await daemonIn(home)
    expect(own?.byService).toBe(false)
    good(await manager.systemctl('start', 'kubeguard.socket'))
    // Somebody rings though a daemon runs.
    good(await manager.run('python3', ['-c', ring, join(home.guardHome, 'run', 'bell.sock')]))
    await until(
      'a unit that stood aside',
      async () => (await manager.property('kubeguard.service', 'ActiveState')) === 'inactive',
      slow,
    )
    expect(await manager.property('kubeguard.service', 'Result')).toBe('success')
    expect(await manager.property('kubeguard.socket', 'SubState')).toBe('listening')
    expect(await daemonIn(home)).toEqual(own)
  })

  test('an update: systemd starts the new daemon when the last session locks', async () => {
    const { home, manager } = await homeWithManager()
    const root = copyInstallation(join(home.root, 'kubeguard'))
    const kubeguard = async (...args: string[]): Promise<Run> =>
      good(await manager.run(join(root, 'bin', 'kubeguard'), args, { fd3: passphrase }))
    await home.startPlayground()
    await kubeguard('init', '--yes', '--passphrase-fd', '3')
    await kubeguard('service', 'install')
    await kubeguard('unlock', '--passphrase-fd', '3')
    const old = await daemonIn(home)
    updateInstallation(root, '99.0.0')
    expect(await daemonIn(home)).toEqual(old)
    await kubeguard('lock')
    await until(
      'the new daemon, unasked',
      async () => {
        const pid = await manager.property('kubeguard.service', 'MainPID')
        return pid !== '0' && pid !== String(old?.pid)
      },
      slow,
    )
    await until('its answer', async () => (await daemonIn(home))?.version === '99.0.0', slow)
    expect(await daemonIn(home)).toMatchObject({ byService: true })
    expect(await manager.property('kubeguard.service', 'Result')).toBe('success')
  })

  test('a service that can’t start keeps nobody out: the daemon starts at first use', async () => {
    const { home, manager } = await homeWithManager()
    good(await manager.kubeguard(['service', 'install']))
    const dropIn = join(home.home, '.config', 'systemd', 'user', 'kubeguard.service.d')
    good(await manager.run('mkdir', [dropIn]))
    good(
      await manager.run('sh', [
        '-c',
        `printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' >${dropIn}/x.conf`,
      ]),
    )
    good(await manager.systemctl('daemon-reload'))
    good(await home.kubeguard(['daemon', 'start'], { timeoutMs: 60_000 }))
    expect(await daemonIn(home)).toMatchObject({ byService: false })
  })
})

/** Connects, and waits to be let go. */
const ring = `
import socket, sys
bell = socket.socket(socket.AF_UNIX)
bell.settimeout(60)
bell.connect(sys.argv[1])
assert bell.recv(1) == b''
`

/** How often any thread went to sleep (proc_pid_status(5)). */
function sleepsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8'))
    .reduce((sum, text) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)?.[1]), 0)
}
