import { copyFileSync, linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import type { Run } from '../../fixtures/run-program.ts'
import { helm, kubectl } from '../../fixtures/tools.ts'
import { repository } from '../../fixtures/terminal.ts'
import { withoutNative } from '../../fixtures/without-native.ts'

/** How a tool is met: by the native shim, or by what stands in for it where no compiler was there. */
export type Kind = 'native' | 'fallback'
export const kinds: readonly Kind[] = ['native', 'fallback']

/** A home with tools in a folder of its own behind the shims: the real helm, and the real kubectl under the name oc. */
export class ToolsHome {
  readonly home: TestHome
  readonly folder: string
  readonly #root: string
  /** What PATH holds without the shims. */
  readonly #direct: string

  private constructor(kind: Kind) {
    this.home = makeHome()
    writePolicy(this.home, { idle: '10m' })
    this.folder = join(this.home.root, 'tools')
    mkdirSync(this.folder)
    this.#put(helm(), 'helm')
    this.#put(kubectl(), 'oc')
    this.#root = kind === 'native' ? repository : withoutNative(join(this.home.root, 'installation'))
    this.#direct = [this.folder, dirname(kubectl()), '/usr/bin', '/bin'].join(delimiter)
    this.home.env['PATH'] = [this.home.shims, this.#direct].join(delimiter)
  }

  static async make(kind: Kind): Promise<ToolsHome> {
    const made = new ToolsHome(kind)
    await made.home.startPlayground()
    const init = await made.kubeguard('init', '--yes', '--passphrase-fd', '3')
    good(init)
    return made
  }

  /** `kubeguard ARGS…` of the installation under test; the passphrase is on descriptor 3. */
  kubeguard(...args: string[]): Promise<Run> {
    return this.home.run(join(this.#root, 'bin', 'kubeguard'), args, { fd3: passphrase, timeoutMs: 60_000 })
  }

  /** A line for a shell, with the shims first on PATH. */
  through(line: string, env: NodeJS.ProcessEnv = {}): Promise<Run> {
    return this.home.run('/bin/bash', ['-c', line], { env })
  }

  /** The same line without them. */
  direct(line: string): Promise<Run> {
    return this.through(line, { PATH: this.#direct })
  }

  /** A script of the user's own on PATH. */
  script(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text, { mode: 0o755 })
  }

  /** The same file, where it may be: it is large. */
  #put(from: string, name: string): void {
    try {
      linkSync(from, join(this.folder, name))
    } catch {
      copyFileSync(from, join(this.folder, name))
    }
  }
}
