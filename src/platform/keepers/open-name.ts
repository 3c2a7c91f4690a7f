import { linkSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The second name of an open session's keeper: `POLICY.open` beside its socket, a hard link to it. A credential
 * plugin finds the keeper by it without asking the daemon. Whoever does not find it asks: so nothing here may fail.
 */
const openName = (socket: string, policy: string): string => join(dirname(socket), `${policy}.open`)

export function giveOpenName(socket: string, policy: string): void {
  try {
    const name = openName(socket, policy)
    rmSync(name, { force: true })
    linkSync(socket, name)
  } catch {
    // A file system without hard links, or a name that is too long.
  }
}

/** Unless another keeper has it by now. */
export function takeOpenName(socket: string, policy: string): void {
  try {
    const name = openName(socket, policy)
    if (statSync(name).ino === statSync(socket).ino) rmSync(name)
  } catch {
    // It was not there, or goes with the folder.
  }
}
