import { lstatSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GuardError } from '../../domain/errors.ts'
import { unifiedDiff } from '../../domain/line-diff.ts'
import { accountHome, dirs, ensurePlaces, places } from '../../platform/dirs.ts'
import { launcherPath } from '../../platform/install.ts'
import { readBefore } from '../../platform/before.ts'
import { noteStartUpFile, removeEmptyFolders } from '../before.ts'
import { readBytes, removeFile, replaceFile, whyNotWritable } from '../replace-file.ts'
import { authorOf, homeOf, serviceUnit, socketUnit } from './units.ts'

export const serviceName = 'kubeguard.service'
export const socketName = 'kubeguard.socket'

/**
 * - `right`: as this installation writes it; `older`: as another version or place of ours wrote it;
 * - `changed`: ours, and somebody has changed it; `other`: somebody else’s, or that of another KUBEGUARD_HOME.
 */
export type UnitState = 'missing' | 'right' | 'older' | 'changed' | 'other'

export interface Unit {
  readonly name: string
  readonly path: string
  /** As this installation would have it; latin1, one character for one byte, as files are read. */
  readonly text: string
  readonly state: UnitState
}

/** Where this account’s manager looks first (systemd.unit(5)); found from the account, not from $XDG_CONFIG_HOME. */
export const unitFolder = (): string => join(accountHome(), '.config', 'systemd', 'user')

/** What `systemctl enable` makes. */
const wantsLink = (): string => join(unitFolder(), 'sockets.target.wants', socketName)

/** Both units, as they are on disk and as they should be. @throws GuardError `usage` for paths that no unit can name */
export function units(): Unit[] {
  const guardHome = process.env['KUBEGUARD_HOME'] || undefined
  const paths = { launcher: launcherPath('kubeguard'), bell: places.bell(dirs()), guardHome }
  return [unit(serviceName, serviceUnit(paths)), unit(socketName, socketUnit(paths))]
}

function unit(name: string, wanted: string): Unit {
  const path = join(unitFolder(), name)
  const text = Buffer.from(wanted).toString('latin1')
  return { name, path, text, state: stateOf(readBytes(path), text) }
}

function stateOf(found: string | undefined, wanted: string): UnitState {
  if (found === undefined) return 'missing'
  if (found === wanted) return 'right'
  const author = authorOf(Buffer.from(found, 'latin1').toString())
  if (author !== 'ours') return author
  return homeOf(found) === homeOf(wanted) ? 'older' : 'other'
}

/** What is not to be replaced without a person’s word. */
export const notOurs = ({ state }: Unit): boolean => state === 'changed' || state === 'other'

/** How a unit on disk differs from ours. */
export function unitDiff({ path, text }: Unit): string {
  const shown = (bytes: string): string => Buffer.from(bytes, 'latin1').toString()
  return unifiedDiff(path, shown(readBytes(path) ?? ''), shown(text))
}

/** @throws GuardError `service-changed` where a unit is not ours to write. Nothing is written then. */
export function checkUnits(all: readonly Unit[], replace: boolean): void {
  for (const each of all) {
    const why = whyNotWritable(each.path)
    if (why !== undefined) throw changed(`${each.path} ${why}`, `look at it, then remove it: rm ${each.path}`)
    if (replace || !notOurs(each)) continue
    throw changed(
      each.state === 'changed'
        ? `${each.path} was changed by hand`
        : `${each.path} is not of this installation`,
      `put what you need of it into a drop-in (systemctl --user edit ${each.name}), then run: kubeguard service install --replace`,
    )
  }
}

function changed(message: string, cure: string): GuardError {
  return new GuardError('service-changed', message, { cure })
}

/** Writes what is not right yet; for `uninstall` it is noted what was there before. @returns the paths written. */
export function writeUnits(all: readonly Unit[]): string[] {
  ensurePlaces(dirs())
  const wrong = all.filter(({ state }) => state !== 'right')
  for (const path of [...wrong.map((each) => each.path), wantsLink()]) noteStartUpFile(path)
  for (const { path, text } of wrong) replaceFile(path, text)
  return wrong.map(({ path }) => path)
}

/** Takes away what is ours and unchanged. @returns what stays, because others wrote in it. */
export function removeUnits(): Unit[] {
  const all = units().filter(({ state }) => state !== 'missing')
  const kept = all.filter(notOurs)
  for (const { path } of all.filter((each) => !notOurs(each))) removeFile(path)
  // Where no manager was there to do it.
  if (lstatSync(wantsLink(), { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(wantsLink())
  const isOnTheWay = (folder: string): boolean => `${dirname(wantsLink())}/`.startsWith(`${folder}/`)
  removeEmptyFolders(readBefore().folders.filter(isOnTheWay))
  return kept
}
