import { existsSync, lstatSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { dirs, places } from '../platform/dirs.ts'
import { launcherPath, nativePath } from '../platform/install.ts'

/** A link of ours: where it is, and what it must lead to. */
export interface OwnLink {
  readonly path: string
  readonly target: string
}

/** The shim and the credential plugin (the native binary, or a launcher where no compiler made one), and ourselves. */
export function ownLinks(): OwnLink[] {
  const native = existsSync(nativePath()) ? nativePath() : undefined
  const found = dirs()
  return [
    { path: join(places.shims(found), 'kubectl'), target: native ?? launcherPath('kubectl') },
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

export function linkIsRight({ path, target }: OwnLink): boolean {
  return (
    lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && readlinkSync(path) === target
  )
}

/** Replaces in one step: a kubectl that starts meanwhile finds the old link or the new one. */
export function makeLink({ path, target }: OwnLink): void {
  const next = `${path}.new`
  rmSync(next, { force: true })
  symlinkSync(target, next)
  renameSync(next, path)
}
