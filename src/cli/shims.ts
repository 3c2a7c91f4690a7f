import { existsSync, lstatSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { dirs, places } from '../platform/dirs.ts'
import { launcherPath, nativePath } from '../platform/install.ts'

/** A link of ours: where it is, and what it must lead to. */
export interface OwnLink {
  readonly path: string
  readonly target: string
}

/** The links that every installation has, and those of the tools that were added. */
export function ownLinks(): OwnLink[] {
  return [...usualLinks(), ...shimmedTools().map(toolLink)]
}

/** The shim and the credential plugin (the native binary, or a launcher where no compiler made one), and ourselves. */
function usualLinks(): OwnLink[] {
  const native = existsSync(nativePath()) ? nativePath() : undefined
  const found = dirs()
  return [
    toolLink('kubectl'),
    {
      path: join(places.plugins(found), 'kubeguard-credential'),
      target: native ?? launcherPath('kubeguard-credential'),
    },
    // Without a compiler there is none, and the hooks do without.
    ...(native === undefined
      ? []
      : [{ path: join(places.plugins(found), 'kubeguard-watch'), target: native }]),
    // Every cure says `kubeguard …`: it must be there to be typed, also after an install from a clone.
    { path: join(places.shims(found), 'kubeguard'), target: launcherPath('kubeguard') },
  ]
}

/** The shim of a tool: one program for all of them, told apart by the name it is called under. */
export function toolLink(tool: string): OwnLink {
  const target = existsSync(nativePath()) ? nativePath() : launcherPath('kubectl')
  return { path: join(places.shims(dirs()), tool), target }
}

/** The tools beside kubectl that have a shim, by name: links of this installation, or of one that was moved away. */
export function shimmedTools(): string[] {
  const folder = places.shims(dirs())
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => name !== 'kubectl' && name !== 'kubeguard' && !name.startsWith('.'))
    .filter((name) => isShim(join(folder, name)))
    .toSorted()
}

function isShim(path: string): boolean {
  return isLink(path) && /\/dist\/native\/kubeguard-native$|\/bin\/kubectl$/.test(readlinkSync(path))
}

const isLink = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true

export function linkIsRight({ path, target }: OwnLink): boolean {
  return isLink(path) && readlinkSync(path) === target
}

/** Replaces in one step: a kubectl that starts meanwhile finds the old link or the new one. */
export function makeLink({ path, target }: OwnLink): void {
  const next = join(dirname(path), `.${basename(path)}.new`)
  rmSync(next, { force: true })
  symlinkSync(target, next)
  renameSync(next, path)
}
