import { secretFields } from '../platform/kubeconfig/classify-user.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { withoutTokens } from './foreign-log-in.ts'
import type { LoadedFile } from './load-files.ts'
import type { Original } from './original.ts'

/** An exec entry gives way too: ours is written anew, and eject brings back the other one. */
export const removedFields = (user: UserEntry): string[] =>
  [...secretFields, 'exec', 'auth-provider'].filter((name) => user.fields.has(name))

export function originalOf(
  file: LoadedFile,
  user: UserEntry,
  kind: UserKind,
  { split, clusters }: Pick<Original, 'split' | 'clusters'>,
): Original {
  const { path } = file.config
  const fields = takenFields(file, user, kind)
  return {
    version: 1,
    path,
    fields,
    ...(split !== undefined && { split }),
    ...(clusters !== undefined && { clusters }),
  }
}

function takenFields(file: LoadedFile, user: UserEntry, kind: UserKind): Record<string, unknown> {
  const taken = removedFields(user).filter((name) => name !== 'exec' || kind.ours === undefined)
  const valueOf = (name: string): unknown => {
    const value = fieldValue(file.config, user, name)
    return name === 'auth-provider' ? withoutTokens(value) : value
  }
  return Object.fromEntries(taken.map((name) => [name, valueOf(name)]))
}

export function keptFields(file: LoadedFile, user: UserEntry): Record<string, unknown> {
  const removed = new Set(removedFields(user))
  const kept = [...user.fields.keys()].filter((name) => !removed.has(name))
  return Object.fromEntries(kept.map((name) => [name, fieldValue(file.config, user, name)]))
}
