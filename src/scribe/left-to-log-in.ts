import { isGiven } from '../domain/given-credential.ts'
import { describeUnlock, settingsFor } from '../domain/policy-unlock.ts'
import type { KnownToFactor } from '../domain/policy-unlock.ts'
import type { Policy, PolicySet } from '../domain/policy.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { LeftUser } from '../protocol/reports.ts'
import { namesOf } from './load-files.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'

/** The policy of this name, where a log-in gives its credential and it has no vault. */
export function policyOfLogIn(policies: PolicySet, name: string): Policy | undefined {
  return policies.find((policy) => policy.name === name && isGiven(policy.unlock))
}

/** Why a policy does not serve a user, whose log-in may be known; undefined where it does. */
export function whyNotServed(policy: Policy, logIn: KnownToFactor | undefined): string | undefined {
  const { name, unlock } = policy
  const settings = logIn === undefined ? undefined : settingsFor(unlock, logIn)
  if (settings === undefined)
    return `policy ${name} unlocks by ${describeUnlock(unlock)}: let a policy that unlocks by passphrase match its contexts`
  if (logIn?.clientSecret === undefined || secretFileOf(settings) !== undefined) return undefined
  return `its client has a secret, and policy ${name} names no file for one: write oidc.clientSecretFile: /whole/path, then adopt; the file is made then`
}

/** Where a policy wants the secret of its client to be. */
export function secretFileOf(settings: object): string | undefined {
  const { clientSecretFile } = settings as { readonly clientSecretFile?: unknown }
  return typeof clientSecretFile === 'string' ? clientSecretFile : undefined
}

/** What such a policy does not serve stays where it is. */
export function leftToLogIn(
  file: LoadedFile,
  user: UserEntry,
  contexts: readonly ContextPlace[],
  advice: string,
): LeftUser {
  return {
    file: file.config.path,
    user: user.name,
    contexts: namesOf(contexts),
    because: 'given',
    advice: [advice],
  }
}
