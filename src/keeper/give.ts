import { GuardError } from '../domain/errors.ts'
import type { HeldProcess } from '../domain/hold.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { KeeperOrder } from '../usecases/ports.ts'
import { buildExecCredential, leaseEndMs } from './exec-credential.ts'
import type { GatewayLink } from './gateway-link.ts'

interface Giving {
  readonly access: KeeperOrder['access']
  readonly gateway: Pick<GatewayLink, 'pass'>
  /** Who will hold it; undefined where that can't be said. */
  readonly client: HeldProcess | undefined
  readonly wallMs: number
  readonly lifetimeWallMs: number
}

/**
 * What a client is given: the credential itself, or a pass for the gateway that has it.
 *
 * @throws GuardError gateway-needed, gateway-down, holder-refused, credential-expired, protocol-error
 */
export async function give(item: VaultItem, apiVersion: string, giving: Giving): Promise<Buffer> {
  const { access, gateway, client, wallMs, lifetimeWallMs } = giving
  if (item.upstreams === undefined) {
    if (access !== 'gateway') return buildExecCredential(item, apiVersion, giving)
    throw new GuardError(
      'gateway-needed',
      `${item.user} was adopted before ${item.policy} had access: gateway`,
      { cure: 'run: kubeguard adopt' },
    )
  }
  if (client === undefined) throw new GuardError('holder-refused', 'the client that asks can’t be seen')
  const endMs = leaseEndMs(item, { wallMs, lifetimeWallMs })
  const pass = await gateway.pass(item, client, { endMs, lifetimeWallMs })
  return buildExecCredential(item, apiVersion, giving, pass)
}
