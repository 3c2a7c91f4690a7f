import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { TestHome } from '../fixtures/home.ts'
import { until } from '../fixtures/terminal.ts'

/** The shim’s kubectl. */
const byShim = ['/usr/bin/env', 'kubectl'] as const

/** `kubectl ARGS…`, through pipes, going on; what it has said, and its end. It goes with its home. */
export class Client {
  output = ''
  readonly ended: Promise<number>
  readonly #child: ChildProcess

  constructor(
    home: TestHome,
    args: readonly string[],
    more: NodeJS.ProcessEnv = {},
    [program, ...first]: readonly [string, ...string[]] = byShim,
  ) {
    const env = { ...home.env, ...more }
    this.#child = spawn(program, [...first, ...args], { env, cwd: home.home })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()))
    this.ended = once(this.#child, 'close').then(([code]) => Number(code ?? -1))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  async shows(text: RegExp): Promise<RegExpExecArray> {
    const look = (): RegExpExecArray | undefined => text.exec(this.output) ?? undefined
    return until(`${text} from the client`, look, { withinMs: 30_000, now: () => this.output })
  }
}
