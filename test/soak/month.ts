import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../bench/bench-home.ts'
import type { ClientProcess } from '../bench/client-process.ts'
import { startLive } from '../bench/live-process.ts'
import { session, standIn } from '../bench/supervisor-figures.ts'
import type { Stand } from '../bench/supervisor-figures.ts'
import { good } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import { TestTerminal, until } from '../fixtures/terminal.ts'

/** What was done. */
export interface Done {
  cycles: number
  commands: number
  liveSessions: number
  covered: number
  configEdits: number
  policyEdits: number
  restarts: number
}

/** A month of one person: as many unlocks and locks, commands and sessions. */
export const month = { cycles: 200, commands: 20_000, liveSessions: 500 } as const

/** Cycles between two edits of each kind. */
const policyEditEvery = 10
const configEditEvery = 5
const restartEvery = 20

/**
 * One kubeguard through a month of work, cycle by cycle: unlock, work with several clients at once, leave streams open,
 * lock. Anything that goes wrong on the way throws.
 */
export class Month {
  readonly done: Done = {
    cycles: 0,
    commands: 0,
    liveSessions: 0,
    covered: 0,
    configEdits: 0,
    policyEdits: 0,
    restarts: 0,
  }
  readonly #bench: Bench
  readonly #clients: readonly ClientProcess[]
  readonly #stand: Stand
  #covers = false

  constructor(bench: Bench, clients: readonly ClientProcess[]) {
    this.#bench = bench
    this.#clients = clients
    this.#stand = standIn(bench)
  }

  /** @param mayRestart whether the daemon may be another one at the end. */
  async cycle(mayRestart: boolean): Promise<void> {
    const { home } = this.#bench
    const { done } = this
    if (done.cycles % policyEditEvery === 0) this.#editPolicy()
    if (mayRestart && done.cycles % restartEvery === restartEvery - 1) await this.#restart()
    await home.unlock('--all')
    // Five in two cycles: one client that watches, and one or two at a terminal.
    const atTerminals = 1 + (done.cycles % 2)
    const watching = await startLive(this.#bench, 1)
    const terminals = await Promise.all(Array.from({ length: atTerminals }, () => this.#openTerminal()))
    done.liveSessions += 1 + atTerminals
    await this.#commands(month.commands / month.cycles)
    if (done.cycles % configEditEvery === 0) await this.#editConfig()
    await home.lock()
    await watching.ended
    if (this.#covers) await this.#resume(terminals)
    await Promise.all(terminals.map((terminal) => terminal.ended()))
    for (const terminal of terminals) terminal.close()
    done.cycles += 1
  }

  async #openTerminal(): Promise<TestTerminal> {
    const { shim, env } = this.#stand
    const terminal = new TestTerminal(shim, [...session, 'echo'], env, this.#bench.home.home)
    await terminal.shows('!')
    return terminal
  }

  async #commands(count: number): Promise<void> {
    const { home } = this.#bench
    let left = count
    const work = async (client: ClientProcess): Promise<void> => {
      while (left > 0) {
        left -= 1
        await client.time({ file: join(home.shims, 'kubectl'), args: ['get', 'pods'], env: home.env })
        this.done.commands += 1
      }
    }
    await Promise.all(this.#clients.map(work))
  }

  /** Each second one covers streams at a lock, the other ends them. */
  #editPolicy(): void {
    this.#covers = !this.#covers
    const idle = `${20 + this.done.policyEdits}m`
    writePolicy(this.#bench.home, { idle, more: this.#covers ? '    live: suspend\n' : '' })
    this.done.policyEdits += 1
  }

  /** Another tool logs in anew: its token is sealed within a second. */
  async #editConfig(): Promise<void> {
    const { home } = this.#bench
    const token = randomBytes(24).toString('hex')
    good(await home.realKubectl(['config', 'set-credentials', 'of-another-tool', `--token=${token}`]))
    await until('the token to be sealed', () => !readFileSync(home.kubeconfig, 'utf8').includes(token))
    this.done.configEdits += 1
  }

  async #restart(): Promise<void> {
    good(await this.#bench.home.kubeguard(['daemon', 'restart']))
    this.done.restarts += 1
  }

  /** Covered by the lock, brought back by the unlock, ended by its person. */
  async #resume(terminals: readonly TestTerminal[]): Promise<void> {
    const { home } = this.#bench
    await Promise.all(terminals.map((terminal) => terminal.shows('press Enter to unlock')))
    await home.unlock('--all')
    for (const terminal of terminals) {
      await until('the stream to go on', () => {
        terminal.type('q')
        return terminal.exitCode !== undefined
      })
      this.done.covered += 1
    }
    await home.lock()
  }
}
