import { accessSync, constants, lstatSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Programs } from '../usecases/ports.ts'
import { identityOf, sameIdentity } from './scribes/file-identity.ts'
import type { FileIdentity } from './scribes/file-identity.ts'

/** Every folder costs a look at the disk, and nobody has more. */
const mostFolders = 256

/**
 * Finds real programs on a client's PATH. What lies in our own shim folder, or is a link to one of our
 * binaries, is never one: it would come straight back to us.
 */
export function createPrograms(own: { shims: string; binaries: readonly string[] }): Programs {
  const ours = new Set(
    [own.shims, ...own.binaries].flatMap((path) => [path, ...realPathOf(Buffer.from(path))]),
  )
  const known = new Candidates(ours)
  return {
    // The folder also holds a link to ourselves, so that the cures can be typed.
    hasShim: (tool) =>
      tool !== '' &&
      tool !== 'kubeguard' &&
      lstatSync(join(own.shims, tool), { throwIfNoEntry: false }) !== undefined,
    *onPath(tool, path) {
      for (const folder of new Set(path.split(':', mostFolders))) {
        // An empty element means the working directory (execvp(3)); nobody means that for a client.
        if (!folder.startsWith('/') || ours.has(folder)) continue
        const candidate = `${folder}/${tool}`
        if (known.isProgram(candidate)) yield candidate
      }
    },
  }
}

/** Candidates that are remembered; the one that was found first goes first. */
const mostKnown = 256

/** What was found of candidates, until a file's identity differs: it is on every check. */
class Candidates {
  readonly #ours: ReadonlySet<string>
  readonly #known = new Map<string, { readonly identity: FileIdentity; readonly isProgram: boolean }>()

  constructor(ours: ReadonlySet<string>) {
    this.#ours = ours
  }

  /** Is it a file that can be run, and not ours? */
  isProgram(candidate: string): boolean {
    const path = Buffer.from(candidate, 'latin1')
    const identity = fileAt(path)
    if (identity === undefined) return false
    const known = this.#known.get(candidate)
    if (known !== undefined && sameIdentity(known.identity, identity)) return known.isProgram
    const isProgram = isExecutable(path) && !realPathOf(path).some((real) => this.#ours.has(real))
    this.#known.delete(candidate)
    this.#known.set(candidate, { identity, isProgram })
    const oldest = this.#known.keys().next().value
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest)
    return isProgram
  }
}

/** @returns undefined for what is no file, behind symlinks. */
function fileAt(path: Buffer): FileIdentity | undefined {
  try {
    const facts = statSync(path, { bigint: true, throwIfNoEntry: false })
    return facts?.isFile() === true ? identityOf(facts) : undefined
  } catch {
    return undefined
  }
}

function isExecutable(path: Buffer): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function realPathOf(path: Buffer): string[] {
  try {
    return [realpathSync.native(path, 'latin1')]
  } catch {
    return []
  }
}
