import { GuardError } from '../domain/errors.ts'
import { openGatewayIdentity } from '../platform/vault/gateway-identity.ts'
import type { GatewayIdentity } from '../platform/vault/gateway-identity.ts'
import { refreshVault } from '../platform/vault/open-vault.ts'
import type { OpenVault } from '../platform/vault/open-vault.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import { isPending } from '../platform/vault/pending.ts'
import type { Holdings } from './factor.ts'

/** For a session that does not hold it; any but `holdings` of a factor may say so. */
export const unknownCredential = (credential: string): GuardError =>
  new GuardError('credential-unknown', `this session does not hold ${credential}`, {
    cure: 'if it was adopted since the unlock, run: kubeguard lock, then: kubeguard unlock',
  })

/** What the policy's vault holds. */
export class VaultHoldings implements Holdings {
  readonly #vaultsDir: string
  #vault: OpenVault

  constructor(vaultsDir: string, vault: OpenVault) {
    this.#vaultsDir = vaultsDir
    this.#vault = vault
  }

  get items(): readonly VaultItem[] {
    return this.#vault.items
  }

  gatewayIdentity(): Promise<GatewayIdentity> {
    return openGatewayIdentity(this.#vaultsDir, this.#vault)
  }

  /** @throws GuardError credential-unknown */
  async item(credential: string): Promise<VaultItem> {
    await this.#lookAgain(credential)
    const item = this.#find(credential)
    if (item !== undefined) return item
    throw unknownCredential(credential)
  }

  #find(credential: string): VaultItem | undefined {
    return this.#vault.items.find(({ id }) => id === credential)
  }

  /** Was it adopted, or adopted again, since the unlock? What is held already is served whatever goes wrong. */
  async #lookAgain(credential: string): Promise<void> {
    if (!isPending(this.#vaultsDir, this.#vault.policy, credential)) return
    try {
      this.#vault = await refreshVault(this.#vaultsDir, this.#vault)
    } catch (error) {
      if (this.#find(credential) === undefined) throw error
    }
  }
}
