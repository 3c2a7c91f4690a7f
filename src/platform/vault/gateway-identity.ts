import * as v from 'valibot'
import { GuardError } from '../../domain/errors.ts'
import type { CertifiedKey } from '../certificates/certificates.ts'
import { findFreePort } from '../free-port.ts'
import { readOwnFile, writeOwnFile } from '../own-files.ts'
import { openValue, sealValue } from './document.ts'
import type { PolicyKey } from './identity.ts'
import { withVaultsLocked } from './lock-vaults.ts'
import { vaultPlaces } from './places.ts'
import { readRecipient } from './seal-pending.ts'

/** Where a policy’s gateway listens, and by which authority clients know it. */
export interface GatewayPlace {
  readonly port: number
  /** PEM. */
  readonly caPem: string
}

/** The same with what signs its leaves. */
export interface GatewayIdentity {
  readonly port: number
  readonly authority: CertifiedKey
}

const mostBytes = 64 * 1024
/** As long as anybody keeps a kubeconfig; it is signed with in open sessions only. */
const authorityMs = 10 * 365 * 24 * 3_600_000

const placeSchema = v.object({ port: v.number(), caPem: v.string() })
const identitySchema = v.object({
  port: v.number(),
  authority: v.object({ certPem: v.string(), keyPem: v.string() }),
})

/** Made for who only wants to see what would be written. */
export async function makeGatewayIdentity(policy: string): Promise<GatewayIdentity> {
  // Loaded when it is needed: most scribes and keepers never do.
  const { makeAuthority } = await import('../certificates/certificates.ts')
  return {
    port: await findFreePort(),
    authority: await makeAuthority(`CN=kubeguard gateway CA of ${policy}`, authorityMs),
  }
}

export const placeOf = ({ port, authority }: GatewayIdentity): GatewayPlace => ({
  port,
  caPem: authority.certPem,
})

/** @returns undefined where none was made. @throws GuardError vault-damaged, place-unsafe */
export function readGatewayPlace(vaultsDir: string, policy: string): GatewayPlace | undefined {
  const bytes = readOwnFile(vaultPlaces(vaultsDir, policy).gatewayPlace, mostBytes)
  if (bytes === undefined) return undefined
  const parsed = v.safeParse(placeSchema, jsonOf(bytes))
  if (parsed.success) return parsed.output
  throw damaged(policy)
}

/**
 * The policy’s gateway, made with the first adoption that needs one: its key is sealed to the vault’s recipient, and never on disk
 * in plain text.
 *
 * @throws GuardError vault-missing, vault-damaged, vault-busy, disk-full, place-unsafe
 */
export async function ensureGatewayPlace(vaultsDir: string, policy: string): Promise<GatewayPlace> {
  const known = readGatewayPlace(vaultsDir, policy)
  if (known !== undefined) return known
  const made = await makeGatewayIdentity(policy)
  return withVaultsLocked(vaultsDir, async () => {
    const meanwhile = readGatewayPlace(vaultsDir, policy)
    if (meanwhile !== undefined) return meanwhile
    const places = vaultPlaces(vaultsDir, policy)
    writeOwnFile(places.gateway, await sealValue(made, readRecipient(places, policy)))
    // Only now is it there: what is named is what can be opened.
    writeOwnFile(places.gatewayPlace, `${JSON.stringify(placeOf(made))}\n`)
    return placeOf(made)
  })
}

/** @throws GuardError vault-damaged where it is not there, or not this vault’s */
export async function openGatewayIdentity(
  vaultsDir: string,
  { policy, key }: { readonly policy: string; readonly key: PolicyKey },
): Promise<GatewayIdentity> {
  const sealed = readOwnFile(vaultPlaces(vaultsDir, policy).gateway, mostBytes)
  const opened = sealed === undefined ? undefined : await openValue(sealed, key.identity)
  const parsed = v.safeParse(identitySchema, opened)
  if (parsed.success) return parsed.output
  throw damaged(policy)
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

const damaged = (policy: string): GuardError =>
  new GuardError('vault-damaged', `the gateway’s key of ${policy} is damaged`, {
    cure: `run: kubeguard eject, remove gateway.age and gateway.json from the vault of ${policy}, then: kubeguard adopt`,
  })
