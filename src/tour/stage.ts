import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { bundlePath, installRoot, launcherPath, nodePath } from '../platform/install.ts'

/** The tour's passphrase guards nothing but the throw-away home, so it may be shown. */
export const passphrase = 'a throw-away passphrase'

/** Seconds until the tour's session locks: long enough to open streams, short enough to wait for. */
export const idleSeconds = 6

const policyFile = `apiVersion: kubeguard.dev/v1
policies:
  - name: default
    contexts: ["*"]
    idle: ${idleSeconds}s
    lifetime: 1h
    warn: 1s
`

export interface Result {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

/** A throw-away home with a playground in it; everything that was started here ends with it. */
export class Stage {
  readonly root = mkdtempSync(join(tmpdir(), 'kubeguard-tour-'))
  readonly home = join(this.root, 'home')
  readonly guardHome = join(this.root, 'guard')
  readonly kubeconfig = join(this.home, '.kube', 'config')
  readonly env: NodeJS.ProcessEnv
  readonly realKubectl: string
  readonly helm: string | undefined
  readonly #children: ChildProcess[] = []

  /** @throws Error when there is no kubectl to show. */
  constructor() {
    const path = process.env['PATH'] ?? ''
    const search = [...path.split(delimiter), join(installRoot(), '.cache', 'tools')]
    const kubectl = find('kubectl', search)
    if (kubectl === undefined) throw new Error('no kubectl is on PATH')
    this.realKubectl = kubectl
    this.helm = find('helm', search)
    for (const folder of [join(this.home, '.kube'), join(this.guardHome, 'config')]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
    }
    chmodSync(this.guardHome, 0o700)
    writeFileSync(join(this.guardHome, 'config', 'config.yaml'), policyFile, { mode: 0o600 })
    this.env = {
      HOME: this.home,
      KUBEGUARD_HOME: this.guardHome,
      PATH: [join(this.guardHome, 'data', 'shims'), join(kubectl, '..'), path].join(delimiter),
      TERM: process.env['TERM'] ?? 'dumb',
      LANG: process.env['LANG'] ?? 'C.UTF-8',
      SHELL: process.env['SHELL'] ?? '/bin/sh',
    }
  }

  /** Starts the playground and resolves when it has written its kubeconfig. */
  async startPlayground(): Promise<void> {
    this.start(nodePath(), [bundlePath('playground'), 'serve', '--kubeconfig', this.kubeconfig])
    await until('the playground', () => existsSync(this.kubeconfig))
  }

  /** Starts something that runs on beside the tour. */
  start(file: string, args: readonly string[]): ChildProcess {
    const child = spawn(file, args, { env: this.env, cwd: this.home, stdio: ['ignore', 'pipe', 'pipe'] })
    child.on('error', () => {})
    this.#children.push(child)
    return child
  }

  /** Runs a program to its end, without a prompt of ours: the tour shows refusals as scripts see them. */
  async run(file: string, args: readonly string[], fd3?: string): Promise<Result> {
    const env = { ...this.env, KUBEGUARD_PROMPT: 'never' }
    const child = spawn(file, args, { env, cwd: this.home, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    const feed = child.stdio[3] as NodeJS.WritableStream
    feed.on('error', () => {})
    feed.end(fd3 === undefined ? '' : `${fd3}\n`)
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.on('error', () => resolve([127, null]))
      child.on('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]))
    })
    return { code, signal, output: Buffer.concat(chunks).toString() }
  }

  kubeguard(args: readonly string[], fd3?: string): Promise<Result> {
    return this.run(launcherPath('kubeguard'), args, fd3)
  }

  /** kubectl as a user of this home types it: the shim. */
  kubectl(args: readonly string[]): Promise<Result> {
    return this.run(join(this.guardHome, 'data', 'shims', 'kubectl'), args)
  }

  readKubeconfig(): string {
    return readFileSync(this.kubeconfig, 'utf8')
  }

  /** Ends all that runs here and removes the folder. */
  async close(): Promise<void> {
    if (existsSync(join(this.guardHome, 'state'))) await this.kubeguard(['daemon', 'stop'])
    for (const child of this.#children) child.kill('SIGTERM')
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** Waits for something to become true. @throws Error after `deadlineMs`. */
export async function until(what: string, isTrue: () => boolean, deadlineMs = 20_000): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}`)
    await pause(50)
  }
}

function find(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => path.startsWith('/') && existsSync(path))
}
