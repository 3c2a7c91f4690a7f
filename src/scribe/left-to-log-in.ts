import { givenCredential, isGiven } from '../domain/given-credential.ts'
import { describeUnlock, replacesPlugin } from '../domain/policy-unlock.ts'
import type { Policy, PolicySet } from '../domain/policy.ts'
import type { Plugin } from '../platform/kubeconfig/exec-entry.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { LeftUser } from '../protocol/reports.ts'
import { namesOf } from './load-files.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'
import type { Secrets } from './read-secrets.ts'

/** The first of these policies that has no vault, since a log-in gives its credential. */
export function policyOfLogIn(
  policies: PolicySet,
  shares: readonly { readonly policy: Pick<Policy, 'name'> }[],
): Policy | undefined {
  return policies.find(
    ({ name, unlock }) => isGiven(unlock) && shares.some(({ policy }) => policy.name === name),
  )
}

/** What such a policy does not serve stays where it is; what it serves by itself is pointed to by hand, and so can be pointed back. */
export function leftToLogIn(
  file: LoadedFile,
  user: UserEntry,
  contexts: readonly ContextPlace[],
  policy: Policy,
  secrets: Secrets,
  plugin: Plugin,
): LeftUser {
  return {
    file: file.config.path,
    user: user.name,
    contexts: namesOf(contexts),
    because: 'given',
    advice: [adviceOn(policy, user, secrets, plugin)],
  }
}

function adviceOn({ name, unlock }: Policy, user: UserEntry, { exec }: Secrets, plugin: Plugin): string {
  if (exec === undefined || !replacesPlugin(unlock, exec))
    return `policy ${name} unlocks by ${describeUnlock(unlock)}: let a policy that unlocks by passphrase match its contexts`
  const words = [
    'kubectl config set-credentials',
    shellWord(user.name),
    '--exec-api-version=client.authentication.k8s.io/v1 --exec-interactive-mode=IfAvailable',
    `--exec-command=${shellWord(plugin.command)}`,
    `--exec-arg=--policy,${name},--credential,${givenCredential(name)}`,
    ...Object.entries(plugin.env).map(
      ([variable, value]) => `--exec-env=${shellWord(`${variable}=${value}`)}`,
    ),
  ]
  return `policy ${name} does the log-in of its exec plugin by itself; run: ${words.join(' ')}`
}

const shellWord = (text: string): string =>
  /^[\w./@:=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
