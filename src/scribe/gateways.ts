import type { PolicySet } from '../domain/policy.ts'
import { createVaultCatalogue } from '../platform/vault-catalogue.ts'
import {
  ensureGatewayPlace,
  makeGatewayIdentity,
  placeOf,
  readGatewayPlace,
} from '../platform/vault/gateway-identity.ts'
import type { GatewayPlace } from '../platform/vault/gateway-identity.ts'
import type { Gateways } from './behind-gateway.ts'

/**
 * The gateways of these policies. One that has no vault yet, or that nothing is to be written for, is shown a place that is
 * kept nowhere.
 *
 * @throws GuardError vault-damaged, vault-busy, disk-full, place-unsafe
 */
export async function gatewaysOf(
  policies: PolicySet,
  vaultsDir: string,
  { dryRun = false } = {},
): Promise<Gateways> {
  const vaults = createVaultCatalogue(vaultsDir)
  const wanted = policies.filter(({ access }) => access === 'gateway').map(({ name }) => name)
  const places = new Map<string, GatewayPlace>()
  for (const name of wanted) {
    const isKept = vaults.has(name) && !dryRun
    places.set(name, isKept ? await ensureGatewayPlace(vaultsDir, name) : await shownPlace(vaultsDir, name))
  }
  return places
}

async function shownPlace(vaultsDir: string, policy: string): Promise<GatewayPlace> {
  return readGatewayPlace(vaultsDir, policy) ?? placeOf(await makeGatewayIdentity(policy))
}
