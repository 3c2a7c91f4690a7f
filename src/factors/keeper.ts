import type { KeeperFactor } from '../keeper/factor.ts'
import { passphraseFactor } from './passphrase/keeper.ts'
import { sshAgentFactor } from './ssh-agent/keeper/ssh-agent-factor.ts'

/** The keeper's half of each factor, by the names of src/factors/settings.ts. Loaded where it is needed, if it is large. */
const keeperFactors: Readonly<Record<string, () => Promise<KeeperFactor>>> = {
  'passphrase': () => Promise.resolve(passphraseFactor),
  'oidc': async () => (await import('./oidc/keeper.ts')).oidcFactor,
  'ssh-agent': () => Promise.resolve(sshAgentFactor),
}

/** @returns undefined for a name that is none */
export async function keeperFactor(name: string): Promise<KeeperFactor | undefined> {
  return Object.hasOwn(keeperFactors, name) ? keeperFactors[name]?.() : undefined
}
