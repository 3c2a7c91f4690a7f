import type { ClientFactor } from '../client/factor.ts'
import { sshAgentClient } from './ssh-agent/client.ts'

/** The client's half of each factor that has one, by the names of src/factors/settings.ts; loaded where it is needed. */
const clientFactors: Readonly<Record<string, () => Promise<ClientFactor>>> = {
  'oidc': async () => (await import('./oidc/client.ts')).oidcClient,
  'ssh-agent': () => Promise.resolve(sshAgentClient),
}

/** @returns undefined for a name that is none, or has no half here */
export async function clientFactor(name: string): Promise<ClientFactor | undefined> {
  return Object.hasOwn(clientFactors, name) ? clientFactors[name]?.() : undefined
}
