import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
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
