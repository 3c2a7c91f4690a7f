/**
 * `npm run picture`: makes docs/lock.svg anew, from what a person sees at a real terminal: the real kubectl, behind its
 * shim, in a throw-away home with a playground. It fails, and leaves the picture as it was, where a step does not show
 * what it should. What stands in the gutter is the second of the run in which a line appeared.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { newTerminal } from '../../src/screen/new-terminal.ts'
import { good, makeHome, passphrase } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import { repository, TestTerminal, until } from '../fixtures/terminal.ts'
import { drawTerminal } from './draw.ts'

const idle = '30s'
const size = { cols: 100, rows: 50 }
const file = join(repository, 'docs', 'lock.svg')
const title = `kubectl on a terminal: a lock after ${idle} without a key ends kubectl exec, and the next command asks for the passphrase`

class Recording {
  readonly terminal = newTerminal(size)
  readonly #shell: TestTerminal
  readonly #beganMs = performance.now()
  /** When each row was first written, in ms since the beginning. */
  readonly #written = new Map<number, number>()

  constructor(environment: NodeJS.ProcessEnv, cwd: string) {
    this.#shell = new TestTerminal('/bin/bash', ['--norc', '--noprofile', '-i'], environment, cwd)
    this.#shell.pty.resize(size.cols, size.rows)
    this.#shell.pty.onData((data) => this.terminal.write(data, () => this.#note()))
    this.terminal.onData((answer) => this.#shell.pty.write(answer))
  }

  get #lines(): string[] {
    const { active } = this.terminal.buffer
    return Array.from(
      { length: active.length },
      (_, row) => active.getLine(row)?.translateToString(true) ?? '',
    )
  }

  #note(): void {
    const nowMs = performance.now() - this.#beganMs
    // A prompt that waits is written when somebody types at it.
    for (const [row, line] of this.#lines.entries())
      if (/[^$ ]/.test(line) && !this.#written.has(row)) this.#written.set(row, nowMs)
  }

  /** A line as a person types it, and Enter. @returns when `shown` stands below it, and then a prompt. */
  async enter(line: string, shown: RegExp, withinMs = 60_000): Promise<void> {
    const from = this.#lines.findLastIndex((text) => text !== '')
    for (const key of line) {
      this.#shell.type(key)
      await sleep(30)
    }
    this.#shell.type('\r')
    await this.shows(shown, from + 1, withinMs)
  }

  async shows(shown: RegExp, from = 0, withinMs = 60_000): Promise<void> {
    const seen = (): string => this.#lines.slice(from).join('\n').trimEnd()
    await until(String(shown), () => shown.test(seen()), { withinMs, now: seen })
  }

  /** The second of a row, where at least two have passed since the one before it. */
  get seconds(): ReadonlyMap<number, string> {
    const rows = [...this.#written].toSorted(([one], [other]) => one - other)
    const later = rows.filter(([, ms], at) => ms - (rows[at - 1]?.[1] ?? -2_000) >= 2_000)
    return new Map(later.map(([row, ms]) => [row, `${Math.round(ms / 1000)} s`]))
  }

  [Symbol.dispose](): void {
    this.#shell.close()
  }
}

await using home = makeHome()
writePolicy(home, { idle, warn: '0s' })
await home.startPlayground()
good(await home.realKubectl(['config', 'use-context', 'prod-playground']))
await home.init()
// What was adopted is listed at the first unlock after it: this one.
await home.unlock('--all')
await home.lock()
const folder = join(home.home, 'work')
mkdirSync(folder)
const path = `${home.env['PATH']}:${join(repository, 'bin')}`
using shell = new Recording({ ...home.env, PATH: path, PS1: '\\[\\e[1;32m\\]$\\[\\e[0m\\] ' }, folder)
await shell.shows(/^\$/)
await shell.enter('kubectl get pods', /passphrase for prod:$/)
await shell.enter(passphrase, /web-0 .*\n(.*\n)*\$$/)
await shell.enter('kubectl exec -it web-0 -- sh', /\n.*\$$|^.*\$$/)
await shell.enter('hostname', /^web-0\n/)
await shell.shows(/prod is locked since .* \(idle too long\), and kubectl exec web-0 was ended\n.*\n\$$/)
await shell.enter('kubeguard status prod', /locked[^]*\n\$$/)
await shell.enter('kubectl get pods', /passphrase for prod:$/)
await shell.enter(passphrase, /web-0 .*\n(.*\n)*\$$/)
writeFileSync(file, drawTerminal(shell.terminal, title, shell.seconds))
process.stdout.write(`${file}\n`)
