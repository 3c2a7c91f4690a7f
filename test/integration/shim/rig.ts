import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { node, repository } from '../../fixtures/terminal.ts'
import { ScriptedDaemon } from './scripted-daemon.ts'

/** The native binary, the one with a C library, and what stands in for both where no compiler was there. */
export type Kind = 'native' | 'libc' | 'fallback'
export const kinds = ['native', 'libc', 'fallback'] as const

export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
  readonly pid: number
}

export interface RunOptions {
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** Runs a program through pipes, without a controlling terminal. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { promise, resolve, reject } = Promise.withResolvers<Ran>()
  const { input, ...rest } = options
  const child = spawn(file, [...args], { ...rest, detached: true, stdio: 'pipe' })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  child.on('error', reject)
  child.on('close', (code, signal) => {
    const stdout = Buffer.concat(out)
    resolve({ code, signal, stdout, stderr: Buffer.concat(err).toString(), pid: child.pid ?? 0 })
  })
  return promise
}

/** An installation of its own, in which `kubeguard` is a script that each test writes. */
export class Installation {
  readonly kind: Kind
  readonly root = mkdtempSync(join(tmpdir(), 'kg-shim-'))
  readonly names = join(this.root, 'names')

  constructor(kind: Kind) {
    this.kind = kind
    chmodSync(this.root, 0o755)
    for (const folder of ['bin', 'dist', 'names']) mkdirSync(join(this.root, folder))
    copyFileSync(join(repository, 'package.json'), join(this.root, 'package.json'))
    symlinkSync(join(repository, 'node_modules'), join(this.root, 'node_modules'))
    for (const name of ['kubectl', 'kubeguard-credential', 'fallback.sh']) {
      cpSync(join(repository, 'bin', name), join(this.root, 'bin', name))
    }
    // What would start a daemon: the launcher where the native binary does, the bundle where the stand-in
    // does.
    this.#write(
      'bin/kubeguard',
      '#!/bin/sh\necho "$*" >>"$KUBEGUARD_HOME/calls"\n. "$KUBEGUARD_HOME/on-call"\n',
    )
    this.#write('dist/daemon.cjs', daemonStandIn)
    if (kind === 'fallback') this.#buildFallback()
    else this.#buildNative(kind === 'native' ? 'kubeguard-native' : 'kubeguard-native-libc')
  }

  /** The tool as PATH finds it: a link to the binary, or to the launcher. */
  tool(name: string): string {
    return join(this.names, name)
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }

  #write(path: string, text: string): void {
    writeFileSync(join(this.root, path), text, { mode: 0o755 })
  }

  #buildNative(binary: string): void {
    const out = join(this.root, 'dist', 'native')
    const build = spawnSync(node, [join(repository, 'scripts', 'build-native.mjs'), '--out', out], {
      encoding: 'utf8',
    })
    if (!existsSync(join(out, binary))) throw new Error(build.stdout + build.stderr)
    for (const name of ['kubectl', 'helm', 'kubeguard-credential']) {
      symlinkSync(join(out, binary), this.tool(name))
    }
  }

  #buildFallback(): void {
    buildSync({
      absWorkingDir: repository,
      entryPoints: ['src/shim/main.ts'],
      outfile: join(this.root, 'dist', 'shim.cjs'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      define: { 'import.meta.dirname': '__dirname' },
      external: ['koffi'],
      logLevel: 'warning',
    })
    symlinkSync(join(this.root, 'bin', 'kubectl'), this.tool('kubectl'))
    symlinkSync(join(this.root, 'bin', 'kubectl'), this.tool('helm'))
    symlinkSync(join(this.root, 'bin', 'kubeguard-credential'), this.tool('kubeguard-credential'))
  }
}

const daemonStandIn = `
const { appendFileSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
const home = process.env.KUBEGUARD_HOME
appendFileSync(home + '/calls', 'daemon start\\n')
process.exitCode = spawnSync('/bin/sh', [home + '/on-call'], { stdio: 'inherit' }).status ?? 1
`

/** A KUBEGUARD_HOME with a daemon in it that answers as the test says. */
export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'kg-home-'))
  readonly daemon = new ScriptedDaemon(join(this.folder, 'run', 'daemon.sock'))
  readonly lockFile = join(this.folder, 'state', 'daemon.lock')

  constructor() {
    for (const name of ['state', 'run', 'data']) mkdirSync(join(this.folder, name), { mode: 0o700 })
    this.onCall('exit 1')
  }

  get env(): NodeJS.ProcessEnv {
    return { KUBEGUARD_HOME: this.folder, PATH: '/usr/bin:/bin', HOME: this.folder }
  }

  async start(): Promise<this> {
    await this.daemon.listen()
    this.publish()
    return this
  }

  /** Writes the lock file, as a daemon does when it listens. */
  publish(text = `${this.daemon.path}\n`): void {
    writeFileSync(this.lockFile, text, { mode: 0o600 })
  }

  /** What `kubeguard` does in this home, as a shell script; its arguments are in `calls`. */
  onCall(script: string): void {
    writeFileSync(join(this.folder, 'on-call'), `${script}\n`)
  }

  get calls(): string[] {
    const file = join(this.folder, 'calls')
    return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
  }

  async remove(): Promise<void> {
    await this.daemon.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What `onRig` made: the installation of this group of tests, and the home of this test. */
export let installation: Installation
export let home: Home

/** For a group of tests: one installation, and for each test a home with a daemon in it. */
export function onRig(kind: Kind): void {
  beforeAll(() => {
    installation = new Installation(kind)
  })
  afterAll(() => installation.remove())
  beforeEach(async () => {
    home = await new Home().start()
  })
  afterEach(() => home.remove())
}

/** Runs the shim in this test's home. */
export function shim(args: readonly string[] = ['get', 'pods'], options: RunOptions = {}): Promise<Ran> {
  return run(installation.tool('kubectl'), args, { env: home.env, ...options })
}
