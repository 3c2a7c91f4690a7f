import { createHash } from 'node:crypto'
import { spawn } from 'node-pty'
import type { IPty } from 'node-pty'
import { until } from '../../fixtures/terminal.ts'

export interface End {
  readonly exitCode: number
  readonly signal: number | undefined
}

/** A program on a terminal, in bytes and not in characters. Ended when it is disposed of. */
export class RawTerminal {
  readonly pty: IPty
  end: End | undefined
  length = 0
  readonly #hash = createHash('sha256')
  readonly #kept: Buffer[] = []

  /** `keeps`: the output itself, or nothing but its digest. */
  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv, keeps = true) {
    const options = { name: 'xterm-256color', cols: 100, rows: 30, cwd: '/', env, encoding: null }
    this.pty = spawn(file, [...args], options)
    this.pty.onData((data) => {
      const bytes = data as unknown as Buffer
      this.length += bytes.length
      this.#hash.update(bytes)
      if (keeps) this.#kept.push(bytes)
    })
    this.pty.onExit(({ exitCode, signal }) => (this.end = { exitCode, signal }))
  }

  get output(): Buffer {
    return Buffer.concat(this.#kept)
  }

  /** Of all that was shown. To be asked for once. */
  digest(): string {
    return this.#hash.digest('hex')
  }

  async shows(text: string | RegExp): Promise<void> {
    const matches = (): boolean => {
      const said = this.output.toString('latin1')
      return typeof text === 'string' ? said.includes(text) : text.test(said)
    }
    await until(`${text} on the terminal`, matches, {
      now: () => JSON.stringify(this.output.toString('latin1')),
    })
  }

  ended(withinMs = 60_000): Promise<End> {
    return until('the end', () => this.end, { withinMs, now: () => `${this.length} bytes` })
  }

  [Symbol.dispose](): void {
    if (this.end === undefined) this.pty.kill('SIGKILL')
  }
}
