import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { markName } from './left-behind.ts'
import { until } from '../../fixtures/terminal.ts'

/** A program of the cluster, ended by its pid; its output is in NAME.log. */
export class ClusterProcess {
  readonly pid: number
  readonly #name: string
  readonly #log: string
  #ended = false

  /** It dies with us, whatever ends us: that is what the parent-death signal of prctl(2) is for. */
  constructor(folder: string, name: string, command: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#name = name
    this.#log = join(folder, `${name}.log`)
    const log = openSync(this.#log, 'a', 0o600)
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      cwd: folder,
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: folder,
        [markName]: folder,
        ...env,
      },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    child.on('error', () => (this.#ended = true))
    child.on('exit', () => (this.#ended = true))
    if (child.pid === undefined) throw new Error(`${name} can't be started: setpriv is missing`)
    this.pid = child.pid
  }

  /** Waits for it to be ready. @throws Error with the end of its log when it ended, or is not in time. */
  async ready(isReady: () => Promise<boolean>, withinMs = 90_000): Promise<void> {
    const look = async (): Promise<boolean> => {
      if (this.#ended) throw new Error(`${this.#name} ended at once\n${this.logEnd()}`)
      return isReady().catch(() => false)
    }
    await until(`${this.#name} to be ready`, look, { withinMs, now: () => this.logEnd() })
  }

  logEnd(): string {
    return readFileSync(this.#log, 'utf8').split('\n').slice(-15).join('\n')
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#ended) return
    process.kill(this.pid, signal)
    await until(`the end of ${this.#name}`, () => this.#ended, { withinMs: 20_000 })
  }
}
