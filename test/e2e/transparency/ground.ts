import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { kubectl } from '../../fixtures/tools.ts'
import { repository } from '../../fixtures/terminal.ts'
import { withoutNative } from '../../fixtures/without-native.ts'
import { buildWitness } from './witness.ts'

/** How a case meets kubectl: with nothing before it, by the native shim, or by what stands in for it. */
export type Side = 'direct' | 'native' | 'fallback'
export const shims = ['native', 'fallback'] as const

export interface GroundOptions {
  /** A folder that is ours alone; cases work below it. */
  readonly folder: string
  /** The folder of the shims, first on PATH; the shim in it is put there and taken away. */
  readonly shims: string
  /** The environment of whoever runs kubectl, whose session is open: with HOME, KUBECONFIG or neither. */
  readonly env: NodeJS.ProcessEnv
  /** A pod that `kubectl exec` reaches, with a shell. */
  readonly pod: string
  /** The context in which it is. */
  readonly context: string
}

/**
 * Where cases run. Nothing but the shim changes between the sides: the same folders, the same PATH, the same environment.
 * Any kubeconfig will do.
 */
export class Ground {
  /** Made anew for each run, and its working directory. */
  readonly work: string
  readonly notes: string
  readonly env: NodeJS.ProcessEnv
  /** kubectl as PATH finds it without a shim: the witness. */
  readonly witness: string
  readonly shim: string
  readonly folder: string
  readonly #targets: Readonly<Record<Exclude<Side, 'direct'>, string>>

  constructor({ folder, shims: shimFolder, env, pod, context }: GroundOptions) {
    this.folder = folder
    this.work = join(folder, 'work')
    this.notes = join(folder, 'notes')
    this.witness = join(folder, 'path', 'kubectl')
    this.shim = join(shimFolder, 'kubectl')
    const tools = join(folder, 'tools')
    for (const made of [this.work, dirname(this.witness), tools]) mkdirSync(made, { recursive: true })
    buildWitness(this.witness, { notes: this.notes, real: kubectl() })
    cpSync(this.witness, join(tools, 'watched'))
    const path = [shimFolder, dirname(this.witness), tools, '/usr/local/bin', '/usr/bin', '/bin']
    this.env = { ...env, PATH: path.join(delimiter), POD: pod, CONTEXT: context, WITNESS: this.witness }
    this.#targets = {
      native: join(repository, 'dist', 'native', 'kubeguard-native'),
      fallback: join(withoutNative(join(folder, 'fallback')), 'bin', 'kubectl'),
    }
  }

  /** Puts the shim of this side first on PATH, or none, and empties the working directory. */
  prepare(side: Side): void {
    rmSync(this.shim, { force: true })
    if (side !== 'direct') symlinkSync(this.#targets[side], this.shim)
    rmSync(this.work, { recursive: true, force: true })
    mkdirSync(this.work)
  }
}
