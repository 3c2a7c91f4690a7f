import type { FactorSettings } from '../domain/factor.ts'
import type { GatewayIdentity } from '../platform/vault/gateway-identity.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { OpenReport } from '../protocol/reports.ts'

/** One attempt, as a factor sees it. */
export interface Proving {
  readonly policy: string
  /** `state/vaults` */
  readonly vaultsDir: string
  /** What came with the first request; empty where none is asked for. The caller wipes it. */
  readonly passphrase: Buffer
  /** `recovery`: that was the recovery key, not the passphrase. */
  readonly by: 'passphrase' | 'recovery'
  /** Nobody waits for what comes of it any more. */
  readonly gone: AbortSignal
  /**
   * Asks this factor's half at the client. The caller may wipe the answer.
   * @param withinMs how long a person may take
   * @throws GuardError unlock-cancelled: the client is gone
   */
  ask(question: Buffer, withinMs: number): Promise<Buffer>
}

/** What an open session serves. It goes with the process, never before. */
export interface Holdings {
  /** @throws GuardError credential-unknown, or why it is not to be had now */
  item(credential: string): Promise<VaultItem>
  /** All that could be put into kubeconfigs (`materialize`). */
  readonly items: readonly VaultItem[]
  /** Who its gateway is; absent: none of these goes by a gateway. @throws GuardError vault-damaged */
  gatewayIdentity?(): Promise<GatewayIdentity>
}

export interface Opening {
  readonly report: Pick<OpenReport, 'merged' | 'setAside'>
  /** Absent: there is nothing to be served. */
  readonly holdings?: Holdings
}

/**
 * A factor's half in the keeper. It throws a GuardError where it is not proven; one that opens (src/domain/factor.ts)
 * returns what the session serves. It must not keep anything that a client said once it has returned, but that.
 */
export interface KeeperFactor {
  prove(settings: FactorSettings, proving: Proving): Promise<Opening | undefined>
}
