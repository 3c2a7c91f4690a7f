import { randomBytes } from 'node:crypto'
import { closeSync, constants, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { stringify } from 'yaml'
import { GuardError } from '../../domain/errors.ts'
import { asDiskFull, syncFolder } from '../own-files.ts'
import { clearLeftBehind, temporaryName } from './clear-left-behind.ts'

/**
 * Writes users into a kubeconfig of their own (mode 0600), which must not be there yet; durable when it returns.
 * Two users of one name get a number, for a kubeconfig takes the first of a name alone.
 *
 * @throws GuardError kubeconfig-invalid, disk-full; nothing is left then
 */
export async function writeNewKubeconfig(
  path: string,
  users: readonly { name: string; fields: Readonly<Record<string, unknown>> }[],
): Promise<void> {
  clearLeftBehind(path)
  const temporary = temporaryName(path, 'new', randomBytes(4).toString('hex'))
  try {
    writeDurably(temporary, Buffer.from(render(users)))
    // link(2) never writes over a file that is there.
    linkSync(temporary, path)
  } catch (error) {
    throw asGuardError(asDiskFull(error, path), path)
  } finally {
    rmSync(temporary, { force: true })
  }
  syncFolder(dirname(path))
}

function render(users: readonly { name: string; fields: Readonly<Record<string, unknown>> }[]): string {
  const seen = new Map<string, number>()
  const named = users.map(({ name, fields }) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return { name: count === 1 ? name : `${name}-${count}`, user: fields }
  })
  return stringify({ apiVersion: 'v1', kind: 'Config', users: named })
}

function writeDurably(path: string, bytes: Buffer): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const descriptor = openSync(path, flags, 0o600)
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function asGuardError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof GuardError || code === undefined) return error
  const wrong = code === 'EEXIST' ? 'is there already' : `can't be written (${code})`
  return new GuardError('kubeconfig-invalid', `${path} ${wrong}`, { cure: 'name another file' })
}
