import { describePlugin, sourcesOf } from '../domain/exec-plugins.ts'
import type { PolicySet } from '../domain/policy.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { AdoptedUser } from '../protocol/reports.ts'
import { adviceFor, adviceOnPolicy, rulesOf } from './adoption-advice.ts'
import { adviceOnGateway } from './behind-gateway.ts'
import { clusterOf } from './cluster-of.ts'
import { credentialId, expiryOf, kindOfSecrets, strengthOf } from './credential-facts.ts'
import { namesOf } from './load-files.ts'
import type { LoadedFile } from './load-files.ts'
import type { Split } from './original.ts'
import type { Secrets } from './read-secrets.ts'
import type { Share } from './shares.ts'
import { originalOf } from './taken-fields.ts'

/** What one policy's vault gets of a user. */
interface Sealing {
  /** All that are read, for the cluster that its contexts name. */
  readonly files: readonly LoadedFile[]
  readonly file: LoadedFile
  readonly user: UserEntry
  readonly kind: UserKind
  readonly share: Share
  readonly secrets: Secrets
  readonly split: Split | undefined
  readonly nowMs: number
}

export function itemOf({ files, file, user, kind, share, secrets, split, nowMs }: Sealing): VaultItem {
  const { sources: _, ...held } = secrets
  const expiresAtMs = expiryOf(secrets)
  return {
    id: credentialId(share.policy.name, file.snapshot.real, share.name),
    policy: share.policy.name,
    file: file.snapshot.real,
    user: share.name,
    contexts: namesOf(share.contexts),
    ...held,
    ...(share.behind !== undefined && { upstreams: share.behind.upstreams }),
    cluster: clusterOf(files, share.contexts),
    original: originalOf(file, user, kind, { split, clusters: share.behind?.clusters }),
    adoptedAtMs: nowMs,
    ...(expiresAtMs !== undefined && { expiresAtMs }),
  }
}

export function reportOfItem(
  item: VaultItem,
  { file, user, kind, share, secrets, nowMs }: Sealing,
  policies: PolicySet,
): AdoptedUser {
  const { id, user: name, contexts, policy, expiresAtMs } = item
  return {
    file: file.config.path,
    user: name,
    contexts,
    policy,
    credential: id,
    kind: kindOfSecrets(secrets),
    strength: strengthOf(secrets, nowMs, {
      ...rulesOf(policies, policy),
      isBehind: share.behind !== undefined,
    }),
    ...(secrets.exec !== undefined && { sources: sourcesOf(describePlugin(secrets.exec)) }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    advice: [
      ...adviceFor(file, user, kind, secrets, nowMs),
      ...adviceOnPolicy(policies, policy, item),
      ...adviceOnGateway(policies, share, secrets),
    ],
  }
}
