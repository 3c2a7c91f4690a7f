import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** SQLite's own files beside the database; they belong together. */
const companions = ['', '-wal', '-shm']

/** Damaged journals that are kept for a look; a disk that damages one a minute must not fill up with them. */
const mostKept = 5

/**
 * Renames a database that can't be used, so that a new one can start.
 * @param wallMs now, for the name.
 * @returns the new name. @throws a system error.
 */
export function setAside(path: string, wallMs: number): string {
  const aside = freeName(`${path}.damaged-${new Date(wallMs).toISOString().slice(0, 19).replaceAll(':', '')}`)
  for (const suffix of companions) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix)
  }
  removeOldest(path)
  return basename(aside)
}

function freeName(wanted: string): string {
  let name = wanted
  for (let count = 2; existsSync(name); count += 1) name = `${wanted}-${count}`
  return name
}

function removeOldest(path: string): void {
  const folder = dirname(path)
  const prefix = `${basename(path)}.damaged-`
  const kept = readdirSync(folder).filter((name) => name.startsWith(prefix) && !/-(wal|shm)$/.test(name))
  for (const name of kept.toSorted().slice(0, -mostKept)) {
    for (const suffix of companions) rmSync(join(folder, name + suffix), { force: true })
  }
}
