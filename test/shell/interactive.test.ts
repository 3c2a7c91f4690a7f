import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isRunning, makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import type { Screen } from '../fixtures/screen.ts'
import { until } from '../fixtures/terminal.ts'
import { enter, hookOf, openShell, shells, startUp, watchersOf } from './shells.ts'
import type { Shell } from './shells.ts'

const kubeconfig = (context: string): string => `apiVersion: v1
kind: Config
clusters:
  - name: c
    cluster: { server: https://127.0.0.1:1 }
users:
  - name: u
    user: { token: 0123456789abcdef }
contexts:
  - name: ${context}
    context: { cluster: c, user: u }
current-context: ${context}
`

const locked = /kubeguard: prod is locked since \d\d:\d\d \(locked by you\); to go on: kubeguard unlock prod/

/** What each shell calls the same thing. */
const words = {
  zsh: {
    set: (name: string, value: string) => `export ${name}=${value}`,
    status: '$? $pipestatus',
    path: 'echo $path[1]',
    prepend: 'path=(/tmp $path)',
    statuses: '4 0 4',
    pipe: 'true | (exit 4)',
  },
  bash: {
    set: (name: string, value: string) => `export ${name}=${value}`,
    status: '$? ${PIPESTATUS[@]}',
    path: 'echo "${PATH%%:*}"',
    prepend: 'PATH=/tmp:$PATH',
    statuses: '4 0 4',
    pipe: 'true | (exit 4)',
  },
  fish: {
    set: (name: string, value: string) => `set -gx ${name} ${value}`,
    status: '$status $pipestatus',
    path: 'echo $PATH[1]',
    prepend: 'set -gx PATH /tmp $PATH',
    statuses: '4 0 4',
    pipe: 'true | sh -c "exit 4"',
  },
} as const

describe.each(shells)('%s', (shell: Shell) => {
  let home: TestHome
  const say = words[shell]

  beforeAll(async () => {
    home = makeHome()
    writePolicy(home, { idle: '10m', env: 'SECRET_TOKEN, line' })
    writeFileSync(home.kubeconfig, kubeconfig('prod-eu'), { mode: 0o600 })
    await home.init()
  })
  afterAll(() => home.dispose())

  const seen = (screen: Screen, what: string | RegExp, withinMs = 15_000): Promise<void> =>
    screen.until(
      String(what),
      ({ text }) => (typeof what === 'string' ? text.includes(what) : what.test(text)),
      withinMs,
    )

  test('starts in silence, with the segment of the current context', async () => {
    await home.lock()
    using screen = await openShell(home, shell)
    expect(screen.text).toBe('🔒 prodready> ')
    await home.unlock('prod')
    await enter(screen, 'true')
    await screen.until('the open segment', ({ lines }) => lines.at(-1) === '🔓 prod 10mready> ')
  })

  test('says at once that a session locked, and leaves the half typed line as it was', async () => {
    await home.unlock('prod')
    using screen = await openShell(home, shell)
    await enter(screen, say.set('SECRET_TOKEN', 'hush'))
    await enter(screen, say.set('line', 'hush'))
    screen.type('echo half "$SECRET_TOKEN')
    await screen.until('what was typed', ({ typed }) => typed.endsWith('echo half "$SECRET_TOKEN'))
    await home.lock('prod')
    if (shell !== 'bash') {
      await seen(screen, locked)
      await screen.until('the line again', ({ typed }) => typed === '🔒 prodready> echo half "$SECRET_TOKEN')
    }
    screen.type('$line typed"\r')
    await screen.until(
      'a prompt',
      ({ lines, typed }) => /half .*typed$/m.test(lines.join('\n')) && typed.endsWith('ready> '),
    )
    expect(screen.text).toMatch(locked)
    expect(screen.text.match(/is locked/g)).toHaveLength(1)
    // bash hears of it at its prompt, which comes after this command.
    if (shell !== 'bash') expect(screen.lines).toContain('half  typed')
    await enter(screen, 'echo "[$SECRET_TOKEN$line]"')
    expect(screen.lines).toContain('[]')
  })

  test('keeps the status of every command of a pipe, and what was set before', async () => {
    using screen = await openShell(home, shell)
    await enter(screen, say.pipe)
    await enter(screen, `echo ${say.status}`)
    expect(screen.lines).toContain(say.statuses)
  })

  test('options, traps and keys are as they were', async () => {
    const dump = {
      zsh: (to: string) => `{ setopt; trap; bindkey; alias; echo $TMOUT } >~/${to}`,
      bash: (to: string) => `{ shopt; set -o; trap; bind -p; alias; echo "$TMOUT"; } >~/${to}`,
      fish: (to: string) => `begin; bind; trap; alias; end >~/${to}`,
    }[shell]
    const own = shell === 'fish' ? '' : "trap 'true' USR1"
    using screen = await openShell(home, shell, { hook: own })
    await enter(screen, dump('before'))
    await enter(screen, hookOf(shell))
    await enter(screen, dump('after'))
    const read = (file: string): string => readFileSync(join(home.home, file), 'utf8')
    expect(read('after')).toBe(read('before'))
    expect(read('before').length).toBeGreaterThan(100)
  })

  test('the shims stay first, whoever prepends', async () => {
    using screen = await openShell(home, shell)
    await enter(screen, say.prepend)
    await enter(screen, say.path)
    expect(screen.lines).toContain(home.shims)
  })

  test('sourced again it does everything once', async () => {
    await home.unlock('prod')
    using screen = await openShell(home, shell, { after: hookOf(shell) })
    await enter(screen, hookOf(shell))
    await home.lock('prod')
    await enter(screen, 'true')
    await seen(screen, locked)
    await enter(screen, 'true')
    expect(screen.text.match(/is locked/g)).toHaveLength(1)
  })

  test('in a shell within a shell each says it', async () => {
    await home.unlock('prod')
    using screen = await openShell(home, shell)
    await enter(screen, startUp(home, shell).join(' '))
    await home.lock('prod')
    await enter(screen, 'true')
    await seen(screen, locked)
    screen.type('exit\r')
    await screen.until('both', ({ text }) => text.match(/is locked/g)?.length === 2)
  })

  test('no process is started at a prompt', async () => {
    await home.unlock('prod')
    const trace = join(home.home, 'trace')
    const under = ['strace', '-f', '-qq', '-e', 'trace=fork,vfork,clone,clone3,execve', '-o', trace]
    using screen = await openShell(home, shell, { under })
    const calls = (): string[] =>
      readFileSync(trace, 'utf8')
        .split('\n')
        .filter((line) => /(fork|clone3?|execve)\(/.test(line) && !line.includes('CLONE_THREAD'))
    await enter(screen, 'true')
    const before = calls()
    for (let count = 0; count < 5; count += 1) await enter(screen, 'true')
    await home.lock('prod')
    await enter(screen, 'true')
    await seen(screen, locked)
    expect(calls()).toEqual(before)
  })

  test('where nothing is set up, or everything is someone else’s, it is silent', async () => {
    using screen = await openShell(home, shell, { env: { KUBEGUARD_HOME: join(home.root, 'nowhere') } })
    await enter(screen, 'true')
    expect(screen.lines.at(-1)).toBe('ready> ')
    expect(screen.text).not.toContain('kubeguard:')
  })

  test('warns before the lock, and takes nothing for granted after it', async () => {
    writePolicy(home, { idle: '6s', warn: '3s' })
    try {
      await until('the rules', async () => (await home.kubeguard(['policy', 'show'])).stdout.includes(' 6s '))
      using screen = await openShell(home, shell)
      await home.unlock('prod')
      await enter(screen, 'true')
      screen.type('echo half')
      if (shell === 'bash') {
        await until('the warning', () =>
          readFileSync(join(home.guardHome, 'run', 'status'), 'utf8').includes('locks in'),
        )
        await enter(screen, '')
      }
      await seen(screen, /kubeguard: prod locks in [1-3] s unless you type/, 20_000)
      if (shell === 'bash') {
        await until('the lock', () =>
          readFileSync(join(home.guardHome, 'run', 'status'), 'utf8').includes('idle too long'),
        )
        await enter(screen, '')
      }
      await seen(screen, /kubeguard: prod is locked since \d\d:\d\d \(idle too long\)/, 20_000)
    } finally {
      writePolicy(home, { idle: '10m', env: 'SECRET_TOKEN, line' })
    }
  })
})

test.each(['zsh', 'bash'] as const)('%s lives on under set -eu', async (shell) => {
  await using home = makeHome()
  writeFileSync(home.kubeconfig, kubeconfig('prod-eu'), { mode: 0o600 })
  await home.init()
  await home.unlock('prod')
  using screen = await openShell(home, shell, { after: 'set -eu' })
  await enter(screen, '! true')
  await home.lock('prod')
  await enter(screen, 'true')
  await screen.until('the notice', ({ text }) => locked.test(text))
  await enter(screen, 'echo lives')
  expect(screen.lines).toContain('lives')
})

describe.each(shells)('%s, when the daemon is killed', (shell: Shell) => {
  const statusOf = (home: TestHome): string => readFileSync(join(home.guardHome, 'run', 'status'), 'utf8')
  const daemonIn = (status: string): number => Number(status.split(' ')[2])

  async function killedDaemon(): Promise<{ home: TestHome; screen: Screen; killed: number }> {
    const home = makeHome()
    writePolicy(home, { idle: '8s' })
    writeFileSync(home.kubeconfig, kubeconfig('prod-eu'), { mode: 0o600 })
    await home.init()
    const screen = await openShell(home, shell)
    await home.unlock('prod')
    const killed = daemonIn(statusOf(home))
    await enter(screen, 'true')
    return { home, screen, killed }
  }

  test('at its prompt it sweeps when the window passes: a new daemon has locked everything', async () => {
    const { home, screen, killed } = await killedDaemon()
    await using _home = home
    using _screen = screen
    process.kill(killed, 'SIGKILL')
    await until('its end', () => !isRunning(killed))
    if (shell === 'bash') await enter(screen, 'true')
    await screen.until('the news', ({ text }) =>
      /prod is locked \(the daemon ended\); to go on: kubeguard unlock prod/.test(text),
    )
    expect(statusOf(home)).toContain('session prod unlocked')
    await until('another daemon', () => daemonIn(statusOf(home)) !== killed, { withinMs: 20_000 })
    expect(isRunning(daemonIn(statusOf(home)))).toBe(true)
    expect(statusOf(home)).not.toContain('unlocked')
    await enter(screen, 'true')
    expect(screen.text.match(/is locked/g)).toHaveLength(1)
  })

  test('behind a command it says so and sweeps when it is back', async () => {
    const { home, screen, killed } = await killedDaemon()
    await using _home = home
    using _screen = screen
    for (const pid of watchersOf(screen.pty.pid)) process.kill(pid, 'SIGKILL')
    screen.type('sleep 12\r')
    process.kill(killed, 'SIGKILL')
    await screen.until('the news', ({ text }) => text.includes('prod is locked (the daemon ended)'), 30_000)
    await until('another daemon', () => daemonIn(statusOf(home)) !== killed, { withinMs: 20_000 })
    expect(statusOf(home)).not.toContain('unlocked')
  })
})
