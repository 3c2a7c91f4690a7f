import { utimesSync } from 'node:fs'
import { spawn } from 'node-pty'
import type { IPty } from 'node-pty'
import { afterAll, describe, expect, it } from 'vitest'
import { inspectProcess } from '../../../src/platform/processes/inspect.ts'
import { createTerminals } from '../../../src/platform/terminal/create-terminals.ts'
import type { ProcessFacts, TerminalId } from '../../../src/usecases/ports.ts'

const terminals = createTerminals()
const started: IPty[] = []
afterAll(() => {
  for (const pty of started) {
    try {
      process.kill(pty.pid, 'SIGKILL')
    } catch {
      // Ended already.
    }
  }
})

/** Runs a shell script on a terminal of its own, and waits until it says that it is up. */
async function onTerminal(script: string): Promise<{ pty: IPty; terminal: TerminalId; facts: ProcessFacts }> {
  const pty = spawn('/bin/sh', ['-c', `echo is-up; ${script}`], { name: 'dumb' })
  started.push(pty)
  await new Promise<void>((resolve) => {
    let seen = ''
    pty.onData((data) => {
      seen += data
      if (seen.includes('is-up')) resolve()
    })
  })
  const facts = inspectProcess(pty.pid) as ProcessFacts
  const terminal = terminals.ofProcess(facts)
  if (terminal === undefined) throw new Error('no terminal was found')
  return { pty, terminal, facts }
}

const now = () => ({ bootMs: 0, wallMs: Date.now() })
const inputOf = (terminal: TerminalId) => terminals.inputTimeMs(terminal, now())

/** The kernel moves access times in steps of 8 s of the wall clock; a whole step more is enough. */
const step = () => Math.floor(Date.now() / 8_000)
const withinTwoSteps = { timeout: 20_000, interval: 100 }

describe.concurrent('the input time of a real terminal', () => {
  it('is not known of a fresh one', async ({ expect }) => {
    const { terminal } = await onTerminal('exec sleep 1000')
    expect(terminal.path).toMatch(/^\/dev\/pts\/\d+$/)
    expect(inputOf(terminal)).toBeUndefined()
  })

  it('moves when a program reads what is typed', async ({ expect }) => {
    const { pty, terminal } = await onTerminal('stty -echo; exec cat')
    const startedMs = Date.now()
    await expect
      .poll(async () => {
        // What cat has read it writes: then nothing is unread, and the access time alone can tell.
        const read = new Promise((resolve) => pty.onData(resolve))
        pty.write('key\r')
        await read
        return inputOf(terminal)
      }, withinTwoSteps)
      .toBeGreaterThanOrEqual(startedMs - 8_000)
    expect(inputOf(terminal)).toBeLessThanOrEqual(Date.now())
  })

  it('does not move for output, nor for reads that find nothing', async ({ expect }) => {
    const script = 'stty -icanon min 0 time 0; while :; do echo out; head -c 1 >/dev/null; sleep 0.05; done'
    const { terminal } = await onTerminal(script)
    const first = step()
    await expect
      .poll(() => {
        expect(inputOf(terminal)).toBeUndefined()
        return step()
      }, withinTwoSteps)
      .toBeGreaterThanOrEqual(first + 2)
  })

  it('counts lines that are typed while nobody reads', async ({ expect }) => {
    const { pty, terminal } = await onTerminal('exec sleep 1000')
    expect(inputOf(terminal)).toBeUndefined()
    const startedMs = Date.now()
    pty.write('\r')
    await expect.poll(() => inputOf(terminal)).toBeGreaterThanOrEqual(startedMs)
    const counted = inputOf(terminal) as number
    const again = Date.now()
    await expect.poll(() => Date.now()).toBeGreaterThan(again + 50)
    // The same unread bytes are no new input.
    expect(inputOf(terminal)).toBe(counted)
    pty.write('\r')
    await expect.poll(() => inputOf(terminal)).toBeGreaterThan(counted)
  })

  it('is not moved by touch: the change time gives it away', async ({ expect }) => {
    const { terminal } = await onTerminal('exec sleep 1000')
    const wholeSecond = Math.floor(Date.now() / 1000)
    for (const time of [wholeSecond, wholeSecond - 60, Date.now() / 1000]) {
      utimesSync(terminal.path, time, time)
      expect(inputOf(terminal)).toBeUndefined()
      expect(terminals.ofProcess(inspectProcess(pidOn(terminal)) as ProcessFacts)).toEqual(terminal)
      expect(createTerminals().ofProcess(inspectProcess(pidOn(terminal)) as ProcessFacts)).toBeDefined()
    }
  })

  it('ignores a date in the future, also when that has come', async ({ expect }) => {
    const { terminal } = await onTerminal('exec sleep 1000')
    const future = Math.floor(Date.now() / 1000) + 2
    utimesSync(terminal.path, future, future)
    await expect
      .poll(() => {
        expect(inputOf(terminal)).toBeUndefined()
        return Date.now()
      }, withinTwoSteps)
      .toBeGreaterThan(future * 1000 + 200)
  })

  it('is believed at one first look only, until a later one sees a person', async ({ expect }) => {
    const several = await Promise.all(
      ['exec sleep 1000', 'stty -echo; exec cat', 'exec sleep 1000'].map(onTerminal),
    )
    const [first, typed, last] = several as [(typeof several)[0], (typeof several)[0], (typeof several)[0]]
    const ahead = Math.floor(Date.now() / 1000) + 2
    for (const { terminal } of several) utimesSync(terminal.path, ahead, ahead)
    await expect.poll(() => Date.now(), withinTwoSteps).toBeGreaterThan(ahead * 1000 + 200)
    const newcomer = createTerminals()
    const inputSeen = ({ facts }: typeof first) =>
      newcomer.inputTimeMs(newcomer.ofProcess(facts) as TerminalId, now())
    expect(inputSeen(first)).toBe(ahead * 1000)
    expect(inputSeen(typed)).toBeUndefined()
    await expect
      .poll(() => {
        typed.pty.write('key\r')
        return inputSeen(typed)
      }, withinTwoSteps)
      .toBeGreaterThan(ahead * 1000)
    expect(inputSeen(last)).toBe(ahead * 1000)
  })

  it('is none of an other terminal’s that got the same number later', async ({ expect }) => {
    const { pty, terminal } = await onTerminal('exec sleep 1000')
    const ended = new Promise((resolve) => pty.onExit(resolve))
    process.kill(pty.pid, 'SIGKILL')
    await ended
    // Change times are as coarse as the kernel's tick; a person opens no two terminals within one.
    const endedAt = Date.now()
    await expect.poll(() => Date.now() - endedAt, withinTwoSteps).toBeGreaterThan(20)
    const next = await onTerminal('exec sleep 1000')
    if (next.terminal.device === terminal.device) expect(next.terminal.birthNs).not.toBe(terminal.birthNs)
    expect(inputOf(terminal)).toBeUndefined()
  })
})

it('knows no terminal of a process without one', () => {
  const facts = inspectProcess(process.pid) as ProcessFacts
  expect(terminals.ofProcess({ ...facts, ttyDevice: 0 })).toBeUndefined()
  // A device of another kind (/dev/tty1), and one that does not exist here.
  expect(terminals.ofProcess({ ...facts, ttyDevice: 0x0401 })).toBeUndefined()
  expect(terminals.ofProcess({ ...facts, ttyDevice: 0x88ff | (0xfff << 20) })).toBeUndefined()
})

function pidOn(terminal: TerminalId): number {
  const pty = started.find(({ pid }) => inspectProcess(pid)?.ttyDevice === terminal.device)
  if (pty === undefined) throw new Error('nothing runs there')
  return pty.pid
}

it('takes a terminal of another devpts for none of ours, whatever its number', async () => {
  // A container's view: the first terminal there has the number that one of ours may have.
  const script = `mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts && mount --bind /dev/pts/ptmx /dev/ptmx &&
    exec python3 -c 'import pty; pty.spawn(["sh", "-c", "echo pid-$$-; exec sleep 1000"])'`
  const ours = await onTerminal('exec sleep 1000')
  const outer = spawn('unshare', ['--user', '--map-root-user', '--mount', '--', 'sh', '-c', script], {
    name: 'dumb',
  })
  started.push(outer)
  const inner = await new Promise<number>((resolve, reject) => {
    let seen = ''
    outer.onData((data) => {
      seen += data
      const pid = /pid-(\d+)-/.exec(seen)?.[1]
      if (pid !== undefined) resolve(Number(pid))
    })
    outer.onExit(() => reject(new Error(`no other devpts: ${seen}`)))
  })
  try {
    const facts = inspectProcess(inner) as ProcessFacts
    expect(facts.ttyDevice).not.toBe(0)
    expect(terminals.ofProcess(facts)).toBeUndefined()
    // The same number as a terminal of ours that exists: still not ours.
    expect(terminals.ofProcess({ ...facts, ttyDevice: ours.terminal.device })).toBeUndefined()
  } finally {
    process.kill(inner, 'SIGKILL')
  }
})
