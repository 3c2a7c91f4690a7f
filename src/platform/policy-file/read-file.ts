import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'

/** A policy file of more than this is none. */
const mostBytes = 1024 * 1024

/** What tells a changed file from an unchanged one without reading it. */
export interface FileStamp {
  readonly inode: bigint
  readonly device: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly size: bigint
  readonly uid: bigint
  readonly mode: bigint
}

/** @returns `missing` where there is none, or the error's code where that can't be told (EACCES, ENOTDIR …). */
export function stampOf(path: string): FileStamp | 'missing' | { readonly code: string } {
  try {
    return stampFrom(statSync(path, { bigint: true }))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    return code === 'ENOENT' ? 'missing' : { code }
  }
}

/** Reads the file that a stamp was made of, or a newer one, with its own stamp. @throws Error */
export function readStamped(path: string): { readonly stamp: FileStamp; readonly text: string } {
  // O_NONBLOCK: opening a FIFO in the file's place must not hang.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const facts = fstatSync(fd, { bigint: true })
    if (!facts.isFile()) throw new Error('it is not a regular file')
    if (facts.size > BigInt(mostBytes)) throw new Error('it is larger than 1 MiB')
    const bytes = readFileSync(fd)
    return { stamp: stampFrom(facts), text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } finally {
    closeSync(fd)
  }
}

export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return (Object.keys(a) as (keyof FileStamp)[]).every((key) => a[key] === b[key])
}

function stampFrom(facts: BigIntStats): FileStamp {
  const { ino: inode, dev: device, mtimeNs, ctimeNs, size, uid, mode } = facts
  return { inode, device, mtimeNs, ctimeNs, size, uid, mode }
}
