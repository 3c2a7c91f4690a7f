import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  writeSync,
} from 'node:fs'

/** A token cache is never larger: what lies behind this is given back to the file system as it is. */
const mostOverwrittenBytes = 16 * 1024 * 1024
const zeros = Buffer.alloc(64 * 1024)

/** Where a file may be opened for its erasure: never through a link, and never waiting for a FIFO's other end. */
const flags = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** @throws what open(2) fails with: ELOOP for a link, ENOENT */
export function openToErase(path: string | Buffer): number {
  try {
    return openSync(path, flags)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    return openReadOnly(path)
  }
}

/** Its mode keeps us from writing, but it is ours. */
function openReadOnly(path: string | Buffer): number {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    fchmodSync(descriptor, 0o600)
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Overwrites a file, makes that durable, and truncates it. What that is worth depends on the disk and the file
 * system (docs/security.md, "Erasure").
 *
 * @throws what write(2) fails with, such as ENOSPC on a file system that never writes in place; it is truncated then
 */
export function eraseContent(descriptor: number): void {
  const { size } = fstatSync(descriptor)
  try {
    for (let at = 0; at < Math.min(size, mostOverwrittenBytes);)
      at += writeSync(descriptor, zeros, 0, Math.min(zeros.length, size - at), at)
    fsyncSync(descriptor)
  } finally {
    ftruncateSync(descriptor)
  }
}
