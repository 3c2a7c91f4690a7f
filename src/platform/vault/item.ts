import * as v from 'valibot'
import type { WrappedExec } from '../../domain/exec-plugins.ts'
import type { Upstream } from '../../domain/upstream.ts'
import { upstreamSchema } from '../gateways/upstream-schema.ts'
import type { ClusterPlace } from '../cluster/cluster-api.ts'
import { isCredentialId, isPolicyName } from './places.ts'

/** One kubeconfig user's secrets, as a vault keeps them. */
export interface VaultItem {
  /** Credential id: `<policy>.<user slug>-<8 hex of sha256(path NUL user)>`. */
  readonly id: string
  readonly policy: string
  /** The kubeconfig file's real path. */
  readonly file: string
  readonly user: string
  readonly contexts: readonly string[]
  readonly token?: string | undefined
  /** PEM. */
  readonly clientCertificateData?: string | undefined
  /** PEM. */
  readonly clientKeyData?: string | undefined
  /** The exec plugin that gives the credential; it may have secrets among its arguments. */
  readonly exec?: WrappedExec | undefined
  /** Where its contexts lead, where that is one API server: a kubeconfig that is changed later can’t lead it elsewhere. */
  readonly cluster?: ClusterPlace | undefined
  /** What eject needs to write the user back as it was spelled; only the scribe reads it. */
  readonly original: unknown
  readonly adoptedAtMs: number
  readonly expiresAtMs?: number | undefined
  /** `access: gateway`: the API servers that it is good for. Its clients are given a pass, never the credential. */
  readonly upstreams?: readonly Upstream[] | undefined
}

/** What an item carries, as the catalogue and reports name it. */
export type ItemKind = 'token' | 'client-certificate' | 'token-and-client-certificate' | 'exec-plugin'

const execSchema = v.object({
  apiVersion: v.picklist(['v1', 'v1beta1']),
  command: v.string(),
  args: v.array(v.string()),
  env: v.array(v.object({ name: v.string(), value: v.string() })),
  interactiveMode: v.picklist(['Never', 'IfAvailable', 'Always']),
  provideClusterInfo: v.boolean(),
  installHint: v.optional(v.string()),
})

const itemSchema = v.object({
  id: v.pipe(v.string(), v.check(isCredentialId)),
  policy: v.pipe(v.string(), v.check(isPolicyName)),
  file: v.string(),
  user: v.string(),
  contexts: v.array(v.string()),
  token: v.optional(v.string()),
  clientCertificateData: v.optional(v.string()),
  clientKeyData: v.optional(v.string()),
  exec: v.optional(execSchema),
  cluster: v.optional(
    v.object({ server: v.string(), ca: v.optional(v.string()), serverName: v.optional(v.string()) }),
  ),
  original: v.unknown(),
  adoptedAtMs: v.number(),
  expiresAtMs: v.optional(v.number()),
  upstreams: v.optional(v.array(upstreamSchema)),
})

/** @returns undefined for anything that is no item: the reason could quote a secret, so none is given. */
export function parseItem(value: unknown): VaultItem | undefined {
  const parsed = v.safeParse(itemSchema, value)
  return parsed.success ? parsed.output : undefined
}

export function kindOf(item: VaultItem): ItemKind {
  if (item.exec !== undefined) return 'exec-plugin'
  if (item.token === undefined) return 'client-certificate'
  return item.clientCertificateData === undefined ? 'token' : 'token-and-client-certificate'
}
