import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { BehindGateway } from './behind-gateway.ts'
import type { ContextPlace } from './load-files.ts'
import type { Split } from './original.ts'
import type { PolicyName } from './placement.ts'

/** One policy's share of a user: the first keeps the user's name. */
export interface Share {
  readonly policy: PolicyName
  readonly name: string
  readonly contexts: readonly ContextPlace[]
  /** Its policy has `access: gateway`. */
  readonly behind?: BehindGateway
}

export const partName = (base: string, policy: string): string => `${base}-kubeguard-${policy}`

export function splitOf(user: UserEntry, shares: readonly Share[]): Split | undefined {
  if (shares.length < 2) return undefined
  const places = shares.flatMap(({ contexts }) => contexts)
  return {
    base: user.name,
    parts: shares.map(({ name }) => name).filter((name) => name !== user.name),
    files: [...new Set(places.map(({ file }) => file.snapshot.real))],
  }
}
