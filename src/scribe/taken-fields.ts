import { secretFields } from '../platform/kubeconfig/classify-user.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { LoadedFile } from './load-files.ts'
import { readExec } from './read-exec.ts'
import { readSecrets } from './read-secrets.ts'
import type { SecretsFound } from './read-secrets.ts'

/** An exec plugin that runs is wrapped; one beside a static token never does. */
export function secretsOf(file: LoadedFile, user: UserEntry, kind: UserKind): SecretsFound {
  const found = readSecrets(file.config, user)
  if (kind.kind !== 'exec' || 'problem' in found) return found
  const wrapped = readExec(file.config, user)
  return 'problem' in wrapped ? wrapped : { secrets: { ...found.secrets, exec: wrapped.exec } }
}

/** An exec entry gives way too: ours is written anew, and eject brings back the other one. */
export const removedFields = (user: UserEntry): string[] =>
  [...secretFields, 'exec'].filter((name) => user.fields.has(name))

export function takenFields(file: LoadedFile, user: UserEntry, kind: UserKind): Record<string, unknown> {
  const taken = removedFields(user).filter((name) => name !== 'exec' || kind.ours === undefined)
  return Object.fromEntries(taken.map((name) => [name, fieldValue(file.config, user, name)]))
}

export function keptFields(file: LoadedFile, user: UserEntry): Record<string, unknown> {
  const removed = new Set(removedFields(user))
  const kept = [...user.fields.keys()].filter((name) => !removed.has(name))
  return Object.fromEntries(kept.map((name) => [name, fieldValue(file.config, user, name)]))
}
