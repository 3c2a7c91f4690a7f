import { linkSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The second name of an open session's keeper: `POLICY.open` beside its socket, a hard link to it. A credential
 * plugin finds the keeper by it without asking the daemon. Whoever does not find it asks: so nothing here may fail.
 */
const openName = (socket: string, policy: string): string => join(dirname(socket), `${policy}.open`)

/** From now on the policy's name leads to this keeper, and to no earlier one. */
export function giveOpenName(socket: string, policy: string): void {
  try {
    const name = openName(socket, policy)
    rmSync(name, { force: true })
    linkSync(socket, name)
  } catch {
    // A file system without hard links, or a name that is too long.
  }
}

/** Removes a keeper's socket, and the policy's name unless another keeper has it by now. */
export function removeSocket(socket: string, policy: string | undefined): void {
  try {
    const name = openName(socket, policy ?? '')
    if (statSync(name).ino === statSync(socket).ino) rmSync(name)
  } catch {
    // It has none, or the other side was faster.
  }
  rmSync(socket, { force: true })
}
