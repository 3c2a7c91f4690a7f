import { dirname } from 'node:path'
import * as v from 'valibot'
import { GuardError } from '../domain/errors.ts'
import { dirs, places } from '../platform/dirs.ts'
import { makeOwnFolder, readOwnFile, removeOwnFile, writeOwnFile } from '../platform/own-files.ts'
import { withVaultsLocked } from '../platform/vault/lock-vaults.ts'
import type { Original } from './original.ts'

/**
 * How a user logged in before a policy's factor did: what eject writes back. It stands in no vault, since nobody types a
 * passphrase for such a policy, and it holds nothing that lets anybody in: no token, and of a secret that a program was
 * given no more than its own file has (factors/oidc/keeper/client-secret.ts).
 */
export interface ReplacedLogIn {
  readonly policy: string
  /** The kubeconfig file's real path. */
  readonly file: string
  readonly user: string
  readonly contexts: readonly string[]
  readonly original: Original
}

const schema = v.object({
  version: v.literal(1),
  users: v.array(
    v.object({
      policy: v.string(),
      file: v.string(),
      user: v.string(),
      contexts: v.array(v.string()),
      original: v.object({
        version: v.literal(1),
        path: v.string(),
        fields: v.record(v.string(), v.unknown()),
        split: v.optional(
          v.object({ base: v.string(), parts: v.array(v.string()), files: v.array(v.string()) }),
        ),
      }),
    }),
  ),
})

const mostBytes = 64 * 1024 * 1024

/** @throws GuardError vault-damaged for one that can't be read: what it held must not be written over */
export function replacedLogIns(): readonly ReplacedLogIn[] {
  const path = places.replaced(dirs())
  const bytes = readOwnFile(path, mostBytes)
  if (bytes === undefined) return []
  try {
    return v.parse(schema, JSON.parse(bytes.toString())).users
  } catch {
    throw new GuardError('vault-damaged', `${path} can’t be read: it says how users logged in before`, {
      cure: `put the file back from a backup; or remove it, and write those users’ log-ins by hand`,
    })
  }
}

/** Adds users, or has them anew; durable when it returns. @throws GuardError disk-full, place-unsafe, vault-damaged */
export async function noteReplaced(users: readonly ReplacedLogIn[]): Promise<void> {
  if (users.length > 0) await change((known) => [...known.filter((one) => !isAmong(users, one)), ...users])
}

/** Forgets users that are back in their files, durably. */
export async function forgetReplaced(users: readonly Pick<ReplacedLogIn, 'file' | 'user'>[]): Promise<void> {
  if (users.length > 0) await change((known) => known.filter((one) => !isAmong(users, one)))
}

const isAmong = (
  users: readonly Pick<ReplacedLogIn, 'file' | 'user'>[],
  one: Pick<ReplacedLogIn, 'file' | 'user'>,
): boolean => users.some(({ file, user }) => file === one.file && user === one.user)

async function change(changed: (known: readonly ReplacedLogIn[]) => readonly ReplacedLogIn[]): Promise<void> {
  const found = dirs()
  await withVaultsLocked(places.vaults(found), async () => {
    const users = changed(replacedLogIns())
    const path = places.replaced(found)
    makeOwnFolder(dirname(path))
    if (users.length === 0) removeOwnFile(path)
    else writeOwnFile(path, `${JSON.stringify({ version: 1, users }, undefined, 2)}\n`)
  })
}
