import { dirname } from 'node:path'
import { existsSync } from 'node:fs'
import { GuardError } from '../domain/errors.ts'
import { givenCredential } from '../domain/given-credential.ts'
import type { KnownToFactor } from '../domain/policy-unlock.ts'
import { placesOfWipe } from '../domain/policy-wipe.ts'
import { accountHome, dirs, places } from '../platform/dirs.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { makeOwnFolder, readOwnFile, writeOwnFile } from '../platform/own-files.ts'
import { createVaultCatalogue } from '../platform/vault-catalogue.ts'
import type { AdoptedUser, FoundLogIn } from '../protocol/reports.ts'
import { namesOf } from './load-files.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'
import { wipeCaches } from './wipe-caches.ts'
import type { Wiped } from './wipe-caches.ts'

/** For whoever may write the policy that takes it over. */
export function foundLogIn(
  file: LoadedFile,
  user: UserEntry,
  known: KnownToFactor,
  shares: readonly {
    readonly policy: { readonly name: string }
    readonly contexts: readonly ContextPlace[]
  }[],
): FoundLogIn {
  const { program, factor, settings, clientSecret, authorities, caches, obstacles, changes } = known
  return {
    file: file.config.path,
    user: user.name,
    contexts: shares.flatMap(({ policy, contexts }) =>
      namesOf(contexts).map((name) => ({ name, policy: policy.name })),
    ),
    program,
    factor,
    settings,
    hasSecret: clientSecret !== undefined,
    ...(authorities !== undefined && { authorities }),
    caches,
    obstacles,
    changes,
  }
}

/** A user whose policy logs in by itself from now on. */
export function reportOfLogIn(
  { config }: LoadedFile,
  user: string,
  contexts: readonly string[],
  { policy, known, secretFile }: { policy: string; known: KnownToFactor; secretFile: string | undefined },
): AdoptedUser {
  return {
    file: config.path,
    user,
    contexts,
    policy,
    credential: givenCredential(policy),
    kind: 'log-in',
    // An ID token ends soon by itself, and the refresh token is taken back at the lock.
    strength: 'cluster',
    advice: [
      ...known.obstacles.map((text) => `not as before: ${text}`),
      ...known.changes,
      ...(known.clientSecret === undefined
        ? []
        : [`its client secret stays in plain text, in ${secretFile ?? ''}: it names a program, not you`]),
    ],
  }
}

const mostSecretBytes = 4_096

/**
 * Puts a client's secret where its policy looks for it; what is there already is never written over.
 * @throws GuardError policy-invalid, disk-full, place-unsafe
 */
export function keepClientSecret(file: string | undefined, { clientSecret }: KnownToFactor): void {
  if (file === undefined || clientSecret === undefined) return
  const folder = dirname(file)
  if (!existsSync(folder)) makeOwnFolder(folder)
  const there = readOwnFile(file, mostSecretBytes)?.toString().trimEnd() ?? ''
  if (there === clientSecret) return
  if (there !== '')
    throw new GuardError('policy-invalid', `${file} holds something else than the secret of this client`, {
      cure: 'remove it, or let oidc.clientSecretFile in the policy file name another file; then adopt again',
    })
  writeOwnFile(file, `${clientSecret}\n`)
}

/** The tokens that the other program keeps are worth a session each. */
export function wipeLogIns(
  replaced: readonly { readonly known: KnownToFactor }[],
  kubeconfigs: readonly string[],
): Wiped {
  const caches = placesOfWipe(replaced.flatMap(({ known }) => known.caches))
  const found = dirs()
  const kept = [
    ...Object.values(found),
    ...createVaultCatalogue(places.vaults(found)).files(),
    ...kubeconfigs,
  ]
  return wipeCaches(accountHome(), caches, kept)
}
