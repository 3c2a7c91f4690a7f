import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'
import { join } from 'node:path'
import { node } from '../fixtures/terminal.ts'

/** A program to start and time. */
export interface Job {
  readonly file: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/**
 * A process apart that starts programs and times them, without a terminal: whatever is given a credential
 * there becomes its holder's business, and a lock may end that one.
 */
export class ClientProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #interface: Interface

  constructor() {
    this.#child = spawn(node, [join(import.meta.dirname, 'spawn-timer.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    })
    if (this.#child.stdout === null) throw new Error('no pipe to the client process')
    this.#interface = createInterface({ input: this.#child.stdout })
    this.#lines = this.#interface[Symbol.asyncIterator]()
  }

  /** @returns ms from start to end. @throws Error with the program's stderr when it fails. */
  async time(job: Job): Promise<number> {
    this.#child.stdin?.write(`${JSON.stringify(job)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('the client process ended')
    const result = JSON.parse(value) as { ms: number } | { error: string }
    if ('error' in result) throw new Error(`${job.file} ${job.args.join(' ')}: ${result.error}`)
    return result.ms
  }

  async end(): Promise<void> {
    this.#child.stdin?.end()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    this.#interface.close()
  }
}
