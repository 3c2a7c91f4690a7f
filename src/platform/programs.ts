import { accessSync, constants, lstatSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Programs } from '../usecases/ports.ts'

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
        if (isExecutable(candidate) && !isOurs(candidate, ours)) yield candidate
      }
    },
  }
}

function isExecutable(candidate: string): boolean {
  const path = Buffer.from(candidate, 'latin1')
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function isOurs(candidate: string, ours: ReadonlySet<string>): boolean {
  return realPathOf(Buffer.from(candidate, 'latin1')).some((path) => ours.has(path))
}

function realPathOf(path: Buffer): string[] {
  try {
    return [realpathSync.native(path, 'latin1')]
  } catch {
    return []
  }
}
