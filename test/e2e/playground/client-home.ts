import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn as spawnTerminal } from 'node-pty'
import type { IPty } from 'node-pty'

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A throw-away home with a kubeconfig, and the clients that were started in it. */
export class ClientHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'kubeguard-playground-'))
  readonly kubeconfig = join(this.folder, 'config')
  readonly #running = new Set<{ kill(signal: 'SIGKILL'): unknown }>()

  constructor(kubeconfig: string) {
    writeFileSync(this.kubeconfig, kubeconfig, { mode: 0o600 })
  }

  get environment(): Record<string, string> {
    return {
      PATH: '/usr/bin:/bin',
      HOME: this.folder,
      KUBECONFIG: this.kubeconfig,
      TERM: 'xterm',
      EDITOR: 'true',
    }
  }

  /** Runs a client to its end. */
  async run(program: string, args: readonly string[], input: string | Buffer = ''): Promise<Result> {
    const child = this.start(program, args)
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
  }

  /** Starts a client that goes on; it is ended with the home at the latest. */
  start(program: string, args: readonly string[]): ChildProcessWithoutNullStreams {
    const child = spawn(program, args, { env: this.environment, cwd: this.folder })
    this.#running.add(child)
    child.once('close', () => this.#running.delete(child))
    return child
  }

  /** Starts a client on a terminal of 100 × 30. */
  startOnTerminal(program: string, args: readonly string[]): TerminalClient {
    const pty = spawnTerminal(program, [...args], {
      cols: 100,
      rows: 30,
      env: this.environment,
      cwd: this.folder,
    })
    const client = new TerminalClient(pty)
    const handle = { kill: () => pty.kill('SIGKILL') }
    this.#running.add(handle)
    pty.onExit(() => this.#running.delete(handle))
    return client
  }

  close(): void {
    for (const client of this.#running) client.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A client on a terminal, with all that it has printed. */
export class TerminalClient {
  readonly pty: IPty
  readonly ended: Promise<number>
  screen = ''

  constructor(pty: IPty) {
    this.pty = pty
    pty.onData((text) => {
      this.screen += text
    })
    this.ended = new Promise((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)))
  }

  type(keys: string): void {
    this.pty.write(keys)
  }

  shows(text: string | RegExp): Promise<void> {
    return until(
      () => (typeof text === 'string' ? this.screen.includes(text) : text.test(this.screen)),
      () => this.screen,
    )
  }
}

/** Collects what a stream says, for `until`. */
export function listen(stream: NodeJS.ReadableStream): { readonly text: string } {
  const heard = { text: '' }
  stream.on('data', (chunk: Buffer) => {
    heard.text += chunk.toString()
  })
  return heard
}

/** Waits for something to be so. @throws after 20 s, with what `describe` says then. */
export async function until(isSo: () => boolean, describe: () => string = () => ''): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`waited in vain; last seen: ${describe()}`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}
