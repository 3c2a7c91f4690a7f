import { lstatSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isOwnerDead, ownerPattern, ownOwner } from './file-owner.ts'
import { clearDeadLock, lockPath } from './kubectl-lock.ts'

/** A name for a temporary file beside a kubeconfig, which says whose it is. */
export function temporaryName(place: string, kind: 'new' | 'owner', random: string): string {
  return join(dirname(place), `${stemOf(place)}${ownOwner()}-${random}.${kind}`)
}

const stemOf = (place: string): string => `.${basename(place)}.kubeguard-`

/** The names that a kubeconfig has a lock under: as it was named, and behind symlinks. */
export function placesOf(path: string): string[] {
  try {
    return [...new Set([realpathSync(path), resolve(path)])]
  } catch {
    return [resolve(path)]
  }
}

/**
 * Clears away what a killed run of ours left beside a kubeconfig: its lock, which would keep kubectl from
 * writing, and its temporary files, of which restore's hold what was to be put back. What can't be
 * removed stays: the run that needs it gone says so.
 * @returns the paths of what was removed
 */
export function clearLeftBehind(path: string): string[] {
  const removed: string[] = []
  for (const place of placesOf(path)) {
    try {
      if (clearDeadLock(lockPath(place))) removed.push(lockPath(place))
      clearTemporaries(place, removed)
    } catch {
      continue
    }
  }
  return removed
}

function clearTemporaries(place: string, removed: string[]): void {
  const folder = dirname(place)
  const stem = stemOf(place)
  const tail = new RegExp(`^(${ownerPattern})-[0-9a-f]{8}\\.(new|owner)$`)
  for (const name of readdirSync(folder)) {
    const owner = name.startsWith(stem) ? tail.exec(name.slice(stem.length))?.[1] : undefined
    if (owner === undefined) continue
    const path = join(folder, name)
    const facts = lstatSync(path, { throwIfNoEntry: false })
    if (facts === undefined || !isOwnerDead(owner, facts.mtimeMs)) continue
    rmSync(path, { force: true })
    removed.push(path)
  }
}
