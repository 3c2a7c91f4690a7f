import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isRunning } from '../../fixtures/home.ts'
import { inventoryOf, isNoMore } from '../../fixtures/inventory.ts'
import { until } from '../../fixtures/terminal.ts'
import { afterPrompt, familyIn, PersonsShell, pidsIn, settingsOf, unlockedHome } from './shell.ts'

/** A program that has switched screens, mouse reports and bracketed paste, and hidden the cursor. */
const fullScreen = `printf '%s' 'echo "\\033[?1049h\\033[?1002h\\033[?2004h\\033[?25ldra""wn"; sleep 600' >script; `
const runs = `kubectl exec -it web-0 -- sh -c "$(printf "$(cat script)")"`
const undone = ['\x1b[?1049l', '\x1b[?1002l', '\x1b[?2004l', '\x1b[?25h']

const written = (pid: number): string | undefined =>
  /^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]

/** They show their names alone. */
function reapersOf(daemon: number): number[] {
  const children = readFileSync(`/proc/${daemon}/task/${daemon}/children`, 'utf8').trim().split(' ')
  return children
    .filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('kubeguard-reape'))
    .map(Number)
}

async function settings(shell: PersonsShell): Promise<string> {
  return settingsOf(await shell.enter('stty -g\n', /^[\da-f]+(:[\da-f]+)+\r\n[^]*ready> $/m))
}

test('a lock ends it with 76 and the reason, and leaves the terminal as it was', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  const before = await settings(shell)
  await shell.enter(`${fullScreen}\n`, afterPrompt)
  await shell.enter(`${runs}; echo code=$?\n`, /drawn/)
  const { supervisor, warden, kubectl } = await familyIn(home)
  const from = shell.output.length
  await home.lock('default')
  await until('the end', () => /code=\d+\r\n[^]*ready> $/.test(shell.output.slice(from)), {
    now: () => JSON.stringify(shell.output.slice(from)),
  })
  const said = shell.output.slice(from)
  expect(said).toContain('code=76')
  expect(said).toMatch(
    /kubeguard: default is locked since \d\d:\d\d \(locked by you\), and kubectl exec web-0 was ended\r\nrun: kubeguard unlock default\r\n/,
  )
  for (const sequence of undone) expect(said).toContain(sequence)
  expect(await settings(shell)).toBe(before)
  for (const pid of [supervisor, warden, kubectl]) expect(isRunning(pid)).toBe(false)
})

test('a killed daemon means locked: 76, and it says so', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  await shell.enter('kubectl exec -it web-0 -- sh; echo code=$?\n', /\$ $/)
  const daemon = await home.daemonPid()
  await familyIn(home)
  const from = shell.output.length
  process.kill(daemon as number, 'SIGKILL')
  await until('the end', () => /code=\d+/.test(shell.output.slice(from)), {
    now: () => JSON.stringify(shell.output.slice(from)),
  })
  expect(shell.output.slice(from)).toContain('code=76')
  expect(shell.output.slice(from)).toContain('kubeguard: the daemon has ended, and every session is locked')
})

test('a terminal that takes no more keeps nothing alive, though daemon and reaper are killed at once', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  await shell.enter(`kubectl exec -it web-0 -- sh -c 'echo dr""awn; seq 300000; sleep 600'\n`, /drawn/)
  shell.pty.pause()
  const daemon = (await home.daemonPid()) as number
  const { supervisor, kubectl } = await familyIn(home)
  await until('a full terminal', async () => {
    const before = written(supervisor)
    await sleep(300)
    return written(supervisor) === before
  })
  for (const pid of [...reapersOf(daemon), daemon]) process.kill(pid, 'SIGKILL')
  await until('the end', () => !isRunning(kubectl))
})

test('kubeguard kill ends it as TERM would, and it says by whom', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  await shell.enter('kubectl exec -it web-0 -- sh; echo code=$?\n', /\$ $/)
  const { supervisor } = await familyIn(home)
  const from = shell.output.length
  expect((await home.kubeguard(['kill', String(supervisor)])).code).toBe(0)
  await until('the end', () => /code=\d+/.test(shell.output.slice(from)))
  expect(shell.output.slice(from)).toContain('code=143')
  expect(shell.output.slice(from)).toContain('kubectl exec web-0 was ended by kubeguard kill')
})

test.each(['supervisor', 'warden', 'kubectl'] as const)(
  'SIGKILL to the %s: the terminal is as it was, and nothing lives on',
  async (victim) => {
    await using home = await unlockedHome()
    using shell = new PersonsShell(home, 'sh')
    await shell.shows('ready> ')
    const before = await settings(shell)
    await shell.enter(`${fullScreen}\n`, afterPrompt)
    // The shell in between waits for nothing but the end, and touches no terminal.
    await shell.enter(`sh -c '${runs.replaceAll("'", "'\\''")}'; echo code=$?\n`, /drawn/)
    const family = await familyIn(home)
    const from = shell.output.length
    process.kill(family[victim], 'SIGKILL')
    // What mends the screen may come behind the prompt.
    await until('the end', () => /code=\d+\r?\n[^]*ready> /.test(shell.output.slice(from)), {
      now: () => JSON.stringify(shell.output.slice(from)),
    })
    expect(shell.output.slice(from)).toContain('code=137')
    await until('the end of all', () => !Object.values(family).some(isRunning))
    if (victim === 'supervisor')
      await until('the screen', () => undone.every((sequence) => shell.output.slice(from).includes(sequence)))
    expect(await settings(shell)).toBe(before)
  },
)

test('a terminal that goes away ends it, and the journal says so', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  await shell.enter('kubectl exec -it web-0 -- sh\n', /\$ $/)
  const family = await familyIn(home)
  shell.hangUp()
  await until('the end of all', () => !Object.values(family).some(isRunning))
  const hungUp = await until('the journal', async () => {
    const { stdout } = await home.kubeguard(['log', '--json'])
    return /hung-up/.test(stdout) ? stdout : undefined
  })
  expect(hungUp).toContain('kubectl exec web-0')
  expect(hungUp).toContain(String(family.supervisor))
})

test('without a terminal for input or output, and in the background, nobody stands in between', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  await shell.enter(`kubectl exec -it web-0 -- sh -c 'echo wor""ks; sleep 600' | cat\n`, /works/)
  expect(pidsIn(home, (exe) => exe.endsWith('/kubeguard-supervisor'))).toEqual([])
})

test('many sessions leave no process, terminal, descriptor, connection or file behind', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home, 'sh')
  await shell.shows('ready> ')
  // The folder and the link that are made below.
  const planted = 2
  const loop = (count: number): string =>
    `i=0; while [ $i -lt ${count} ]; do kubectl exec -it web-0 -- true; i=$((i+1)); done; echo all$i\n`
  await shell.enter(loop(3), /all3\r\n/, 60_000)
  const before = await inventoryOf(home)
  const wanted = { ...before, descriptors: before.descriptors + 1, files: before.files + planted }
  let now = before
  await shell.enter(loop(5), /all5\r\n/, 60_000)
  // Behind the shim something that ends at once: what could leak is ours.
  await shell.enter('mkdir quick; ln -s /bin/true quick/kubectl\n', afterPrompt)
  await shell.enter(`PATH=${home.shims}:$PWD/quick:/usr/bin:/bin\n`, afterPrompt)
  await shell.enter(loop(500), /all500\r\n/, 100_000)
  const leavesNothing = async (): Promise<boolean> => isNoMore((now = await inventoryOf(home)), wanted)
  await until('the daemon to let go', leavesNothing, { now: () => JSON.stringify([before, now]) })
  expect(pidsIn(home, (exe) => exe.endsWith('/kubeguard-supervisor'))).toEqual([])
  const { stdout } = await home.kubeguard(['ps', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ clients: [] })
})

test('stopped from outside, it stops as kubectl does; in the foreground again it has its terminal back', async () => {
  await using home = await unlockedHome()
  using shell = new PersonsShell(home)
  await shell.shows('ready> ')
  const before = await settings(shell)
  await shell.enter('kubectl exec -it web-0 -- sh; echo code=$?\n', /\$ $/)
  const { supervisor, kubectl } = await familyIn(home)
  let from = shell.output.length
  process.kill(supervisor, 'SIGTSTP')
  await until('the shell', () => /Stopped[^]*code=148\r\n[^]*ready> $/.test(shell.output.slice(from)), {
    now: () => JSON.stringify(shell.output.slice(from)),
  })
  expect(await settings(shell)).toBe(before)
  await shell.enter('fg\n', /exec -it web-0 -- sh\r\n/)
  expect(isRunning(kubectl)).toBe(true)
  from = shell.output.length
  await shell.enter('echo on\n', /on\r\nweb-0:\S*\$ $/)
  expect(shell.output.slice(from)).toMatch(/^echo on\r\non\r\n/)
  await shell.enter('exit 3\n', afterPrompt)
  expect(await settings(shell)).toBe(before)
})
