import type { BigIntStats } from 'node:fs'

/** Changes whenever a file is replaced or written to. Times in nanoseconds. */
export interface FileIdentity {
  readonly device: string
  readonly inode: string
  readonly size: string
  readonly modifiedNs: string
  readonly changedNs: string
}

/** The identity that goes with facts of stat(2). */
export function identityOf(facts: BigIntStats): FileIdentity {
  return {
    device: String(facts.dev),
    inode: String(facts.ino),
    size: String(facts.size),
    modifiedNs: String(facts.mtimeNs),
    changedNs: String(facts.ctimeNs),
  }
}

/** An identity as one word. */
export function stampOf({ device, inode, size, modifiedNs, changedNs }: FileIdentity): string {
  return [device, inode, size, modifiedNs, changedNs].join('.')
}

export function sameIdentity(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return (
    a.device === b.device &&
    a.inode === b.inode &&
    a.size === b.size &&
    a.modifiedNs === b.modifiedNs &&
    a.changedNs === b.changedNs
  )
}
