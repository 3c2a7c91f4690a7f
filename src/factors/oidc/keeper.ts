import type { KeeperFactor } from '../../keeper/factor.ts'
import { logIn } from './keeper/log-in.ts'
import { findProvider } from './keeper/provider.ts'
import { ProviderHoldings, revocationAt } from './keeper/provider-holdings.ts'
import type { OidcSettings } from './settings.ts'

/** A fresh log-in at the identity provider. What it gives is held here alone, and nowhere on disk. */
export const oidcFactor: KeeperFactor = {
  async prove(settings, { policy, ask, gone }) {
    const own = settings as OidcSettings
    const provider = await findProvider(own)
    // While the person logs in it has time to start.
    const revocation = revocationAt(provider)
    const tokens = await logIn(provider, own, { ask, gone })
    await revocation?.revoker.ready
    return { report: {}, holdings: new ProviderHoldings(provider, policy, tokens, revocation) }
  },
}
