import { GuardError } from '../domain/errors.ts'
import { refreshVault } from '../platform/vault/open-vault.ts'
import type { OpenVault } from '../platform/vault/open-vault.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import { isPending } from '../platform/vault/pending.ts'

/** The secrets of an unlocked session. They go with the process, never before. */
export class Holdings {
  readonly #vaultsDir: string
  #vault: OpenVault | undefined

  constructor(vaultsDir: string) {
    this.#vaultsDir = vaultsDir
  }

  take(vault: OpenVault | undefined): void {
    this.#vault = vault
  }

  /** @throws GuardError credential-unknown */
  async item(credential: string): Promise<VaultItem> {
    await this.#lookAgain(credential)
    const item = this.#find(credential)
    if (item !== undefined) return item
    throw new GuardError('credential-unknown', `this session does not hold ${credential}`, {
      cure: 'if it was adopted since the unlock, run: kubeguard lock, then: kubeguard unlock',
    })
  }

  #find(credential: string): VaultItem | undefined {
    return this.#vault?.items.find(({ id }) => id === credential)
  }

  /** Was it adopted, or adopted again, since the unlock? What is held already is served whatever goes wrong. */
  async #lookAgain(credential: string): Promise<void> {
    if (this.#vault === undefined || !isPending(this.#vaultsDir, this.#vault.policy, credential)) return
    try {
      this.#vault = await refreshVault(this.#vaultsDir, this.#vault)
    } catch (error) {
      if (this.#find(credential) === undefined) throw error
    }
  }
}
