import * as v from 'valibot'
import type { LeftOut, LeftOutUser, Log } from '../usecases/ports.ts'
import { readOwnFile, writeOwnFile } from './own-files.ts'

const schema = v.object({
  version: v.literal(1),
  users: v.array(
    v.object({
      file: v.string(),
      user: v.string(),
      kind: v.picklist(['ours', 'exec', 'token', 'client-certificate', 'basic', 'auth-provider', 'none']),
    }),
  ),
})

const mostUsers = 10_000
const mostBytes = 8 * 1024 * 1024

/**
 * Names of users that a person left in a kubeconfig, or put back. Without the file, or with one that can't be read,
 * nobody is left out: then their secrets are sealed, which `eject` undoes.
 *
 * @param path `state/left-out.json`
 */
export function createLeftOut(path: string, log: Pick<Log, 'warn'>): LeftOut {
  let known: readonly LeftOutUser[] | undefined
  const read = (): readonly LeftOutUser[] => {
    try {
      const bytes = readOwnFile(path, mostBytes)
      return bytes === undefined ? [] : v.parse(schema, JSON.parse(bytes.toString())).users
    } catch {
      log.warn('the list of users that were left out can’t be read', { path })
      return []
    }
  }
  return {
    read: () => (known ??= read()),
    write: (users) => {
      known = users.slice(-mostUsers)
      try {
        writeOwnFile(path, `${JSON.stringify({ version: 1, users: known }, undefined, 2)}\n`)
      } catch (error) {
        log.warn('the list of users that were left out can’t be written', { error: String(error) })
      }
    },
  }
}
