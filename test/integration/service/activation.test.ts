import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { good, isRunning, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { repository, until } from '../../fixtures/terminal.ts'

const launcher = join(repository, 'bin', 'kubeguard')
const bellOf = (home: TestHome): string => join(home.guardHome, 'run', 'bell.sock')

/** The real daemon behind the real systemd-socket-activate. @returns its pid, and what it has said. */
async function activate(home: TestHome, ...args: string[]): Promise<{ pid: number; said: () => string }> {
  const env = Object.keys(home.env).flatMap((name) => ['-E', name])
  const child = spawn('systemd-socket-activate', [...env, ...args, launcher, 'daemon', 'run'], {
    env: home.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await until('somebody who listens', () => said.includes('Listening on'))
  return { pid: child.pid ?? 0, said: () => said }
}

/** Folders as a first start makes them. */
async function homeWithFolders(): Promise<TestHome> {
  const home = makeHome()
  onTestFinished(() => home.dispose())
  good(await home.kubeguard(['daemon', 'start']))
  good(await home.kubeguard(['daemon', 'stop']))
  return home
}

/** Has something connect, so that the daemon is started. */
const ring = (home: TestHome, connect: string): void => {
  home.start('python3', ['-c', `import socket, time\n${connect}\ntime.sleep(60)`])
}

test('the first command has the daemon started; the same process serves, and its children do not have the socket', async () => {
  const home = await homeWithFolders()
  const { pid } = await activate(home, '-l', bellOf(home))
  expect(await home.daemonPid()).toBeUndefined()
  await home.startPlayground()
  await home.init()
  await home.unlock()
  expect(await home.daemonPid()).toBe(pid)
  const { stdout } = good(await home.kubeguard(['daemon', 'status', '--json']))
  expect(JSON.parse(stdout)).toMatchObject({ byService: true })
  const bell = readlinkSync(`/proc/${pid}/fd/3`)
  const children = readdirSync('/proc').filter((each) => parentOf(each) === pid)
  expect(children.length).toBeGreaterThan(0)
  for (const child of children) {
    const open = readdirSync(`/proc/${child}/fd`).map((fd) => readlinkSync(`/proc/${child}/fd/${fd}`))
    expect(open).not.toContain(bell)
    expect(readFileSync(`/proc/${child}/environ`, 'latin1')).not.toMatch(/LISTEN_|NOTIFY_|WATCHDOG_/)
  }
  expect(statSync(bellOf(home)).isSocket()).toBe(true)
  good(await home.kubeguard(['daemon', 'stop']))
  expect(isRunning(pid)).toBe(false)
  // It is the manager's, who listens on.
  expect(statSync(bellOf(home)).isSocket()).toBe(true)
})

function parentOf(pid: string): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return 0
  }
}

test('many clients at once: one daemon, and each is served', async () => {
  const home = await homeWithFolders()
  const { pid } = await activate(home, '-l', bellOf(home))
  const all = await Promise.all(Array.from({ length: 6 }, () => home.kubeguard(['daemon', 'start'])))
  expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0])
  expect(await home.daemonPid()).toBe(pid)
})

test.each<[string, (home: TestHome) => string[], (home: TestHome) => string, RegExp]>([
  [
    'a socket at another place',
    (home) => ['-l', join(home.guardHome, 'run', 'other.sock')],
    (home) => `s = socket.socket(socket.AF_UNIX); s.connect('${join(home.guardHome, 'run', 'other.sock')}')`,
    /handed over a socket at \S+other\.sock instead of \S+bell\.sock/,
  ],
  [
    'a socket for every local user, a name in the kernel',
    (home) => ['-l', `@${home.root}`],
    (home) => `s = socket.socket(socket.AF_UNIX); s.connect('\\0${home.root}')`,
    /handed over a socket at no path instead of/,
  ],
  [
    'datagrams',
    (home) => ['-d', '-l', bellOf(home)],
    (home) => `s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.sendto(b'x', '${bellOf(home)}')`,
    /handed over something that is no listening Unix socket/,
  ],
  [
    'two',
    (home) => ['-l', bellOf(home), '-l', join(home.guardHome, 'run', 'two.sock')],
    (home) => `s = socket.socket(socket.AF_UNIX); s.connect('${bellOf(home)}')`,
    /handed over 2 sockets instead of one/,
  ],
])('%s: refused, with the cure', async (_what, args, connect, complaint) => {
  const home = await homeWithFolders()
  const { pid, said } = await activate(home, ...args(home))
  ring(home, connect(home))
  await until('the end', () => !isRunning(pid), { withinMs: 60_000, now: said })
  expect(said()).toMatch(complaint)
  expect(said()).toContain('kubeguard service install')
  expect(await home.daemonPid()).toBeUndefined()
})

test('a socket whose folder others may write in is refused by the daemon and by clients', async () => {
  const home = await homeWithFolders()
  const { pid, said } = await activate(home, '-l', bellOf(home))
  chmodSync(join(home.guardHome, 'run'), 0o777)
  ring(home, `s = socket.socket(socket.AF_UNIX); s.connect('${bellOf(home)}')`)
  await until('the end', () => !isRunning(pid), { withinMs: 60_000, now: said })
  expect(said()).toMatch(/run is open to other users/)
  const client = await home.kubeguard(['daemon', 'start'])
  expect(client.code).toBe(78)
  expect(client.stderr).toContain('chmod 700')
  chmodSync(join(home.guardHome, 'run'), 0o700)
})

test('descriptors that were meant for another process are let be', async () => {
  const home = await homeWithFolders()
  home.start(launcher, ['daemon', 'run'], { LISTEN_PID: '1', LISTEN_FDS: '1' })
  await until('a daemon', () => home.daemonPid(), { withinMs: 60_000 })
  const { stdout } = good(await home.kubeguard(['daemon', 'status', '--json']))
  expect(JSON.parse(stdout)).toMatchObject({ byService: false })
})

test('what is no socket at all, and a descriptor that is not open, are refused', async () => {
  const home = await homeWithFolders()
  const script = `LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"`
  for (const redirect of ['3</dev/null', '3<&-']) {
    const run = await home.run('sh', ['-c', `exec ${redirect}; ${script}`, 'sh', launcher, 'daemon', 'run'])
    expect(run.code).toBe(78)
    expect(run.stderr).toContain('no listening Unix socket')
  }
})

test('a bell that nobody answers holds nobody up for ever: the daemon is started without it', async () => {
  const home = await homeWithFolders()
  mkdirSync(join(home.guardHome, 'run'), { recursive: true })
  const listen = `s = socket.socket(socket.AF_UNIX); s.bind('${bellOf(home)}'); s.listen(5)`
  ring(home, listen)
  await until('a bell', () => statSync(bellOf(home), { throwIfNoEntry: false })?.isSocket())
  good(await home.kubeguard(['daemon', 'start'], { timeoutMs: 60_000 }))
  expect(await home.daemonPid()).toBeDefined()
})
