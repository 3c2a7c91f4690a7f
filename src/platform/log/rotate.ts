import { renameSync, rmSync, statSync } from 'node:fs'

export interface RotationLimits {
  /** A file that has reached this size is put aside. */
  readonly mostBytes: number
  /** Files kept in all: `daemon.log`, `daemon.log.1`, … */
  readonly files: number
}

export const usualRotation: RotationLimits = { mostBytes: 1024 * 1024, files: 3 }

/** Bytes of a file, 0 where there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** `daemon.log` becomes `daemon.log.1` and so on; the oldest goes. @throws a system error. */
export function rotate(path: string, files: number): void {
  const named = (index: number): string => (index === 0 ? path : `${path}.${index}`)
  rmSync(named(files - 1), { force: true })
  for (let index = files - 2; index >= 0; index -= 1) {
    if (statSync(named(index), { throwIfNoEntry: false }) !== undefined)
      renameSync(named(index), named(index + 1))
  }
}
