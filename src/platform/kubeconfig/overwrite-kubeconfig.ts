import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import { isUnchanged, replaceKubeconfig } from './replace-kubeconfig.ts'
import type { Snapshot } from './read-kubeconfig.ts'

const newline = 0x0a

/**
 * Takes text out of a kubeconfig: as `replaceKubeconfig` does, and where no new file can be made, since the disk is full or
 * the folder read-only, in the place of the old text, which needs no room. A credential that stays would outlive its session.
 *
 * @returns false when the file has changed since the snapshot; nothing was done then
 * @throws GuardError kubeconfig-busy, kubeconfig-invalid; what `replaceKubeconfig` throws where the text does not fit into its place
 */
export async function shrinkKubeconfig(snapshot: Snapshot, text: string): Promise<boolean> {
  try {
    return await replaceKubeconfig(snapshot, text)
  } catch (error) {
    const bytes = Buffer.from(text)
    const isBusy = error instanceof GuardError && error.code === 'kubeconfig-busy'
    if (isBusy || bytes.length > snapshot.bytes.length) throw error
    return overwrite(snapshot, bytes)
  }
}

/**
 * Empty lines up to the old length first: whoever reads in between finds the same document. Without kubectl's lock, which
 * needs room as well: neither can kubectl write then.
 */
function overwrite(snapshot: Snapshot, bytes: Buffer): boolean {
  const padded = Buffer.alloc(snapshot.bytes.length, newline)
  bytes.copy(padded)
  let descriptor: number | undefined
  try {
    descriptor = openSync(snapshot.real, constants.O_WRONLY | constants.O_NOFOLLOW)
    if (!isUnchanged(snapshot)) return false
    for (let written = 0; written < padded.length;)
      written += writeSync(descriptor, padded, written, padded.length - written, written)
    fsyncSync(descriptor)
    ftruncateSync(descriptor, bytes.length)
    fsyncSync(descriptor)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'EIO'
    throw new GuardError('kubeconfig-invalid', `${snapshot.path} can't be written (${code})`, {
      cure: `make ${snapshot.path} writable, then lock again`,
    })
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
