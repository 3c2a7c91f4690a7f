import { strictestAbsorb } from '../domain/absorb.ts'
import type { Absorb } from '../domain/absorb.ts'
import { policyForContext } from '../domain/policy.ts'
import type { Policy, PolicySet } from '../domain/policy.ts'
import { classifyUser } from '../platform/kubeconfig/classify-user.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { AbsorbJob } from '../platform/scribes/job.ts'
import type { DetailedCatalogue } from '../platform/vault-catalogue.ts'
import type { LeftUser, UnguardedUser } from '../protocol/reports.ts'
import { contextsOf } from './load-files.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'
import type { Materialised } from './materialised-fields.ts'
import type { Placement } from './placement.ts'

type PolicyName = Pick<Policy, 'name'>

/**
 * Where what another program wrote belongs. A user that was adopted before stays under its policy, whatever
 * contexts are made to say of it meanwhile; a new one goes by its contexts; and while it has none, or the
 * policy has no vault yet, to the strictest policy that has one.
 */
export class AbsorbPlacement implements Placement {
  readonly unguarded: UnguardedUser[] = []
  readonly #job: AbsorbJob
  readonly #files: readonly LoadedFile[]
  readonly #catalogue: DetailedCatalogue
  readonly #materialised: Materialised
  readonly #pinned: ReadonlyMap<string, readonly string[]>

  constructor(
    job: AbsorbJob,
    files: readonly LoadedFile[],
    { catalogue, materialised }: { catalogue: DetailedCatalogue; materialised: Materialised },
  ) {
    this.#job = job
    this.#files = files
    this.#catalogue = catalogue
    this.#materialised = materialised
    this.#pinned = pinnedPolicies(catalogue)
  }

  takes(file: LoadedFile, user: UserEntry): boolean {
    const found = classifyUser(file.config, user)
    const { kind, adoptable } = found
    if (kind === 'ours' || kind === 'none' || this.#isLeftOut(file, user, kind)) return false
    if (this.#materialised.has(file.config, user)) return false
    const policies = this.#policiesOf(file, user)
    const absorb = this.#absorbOf(policies)
    if (absorb === 'off') return false
    if (absorb === 'auto' && adoptable) return true
    const because = this.#because(file, user, found)
    if (because !== undefined)
      this.unguarded.push({
        file: file.config.path,
        user: user.name,
        policy: policies[0]?.name ?? '',
        because,
      })
    return false
  }

  fixed(file: LoadedFile, user: UserEntry, contexts: readonly ContextPlace[]): PolicyName | undefined {
    const pinned = this.#pinned.get(keyOf(file.snapshot.real, user.name)) ?? []
    const named = classifyUser(file.config, user).ours?.policy
    const own = named !== undefined && pinned.includes(named) ? named : pinned.at(-1)
    if (own !== undefined) return { name: own }
    return contexts.length === 0 ? this.#strictest() : undefined
  }

  forContext(context: string): PolicyName {
    const policy = policyForContext(this.#job.policies, context)
    return this.#catalogue.has(policy.name) ? policy : this.#strictest()
  }

  /** A user that was to be adopted, but whose secrets are not whole. */
  unadopted({ file, user, advice }: LeftUser): UnguardedUser[] {
    return advice.map((because) => ({ file, user, policy: '', because }))
  }

  #policiesOf(file: LoadedFile, user: UserEntry): PolicyName[] {
    const contexts = contextsOf(this.#files, file, user)
    const fixed = this.fixed(file, user, contexts)
    return fixed === undefined ? contexts.map(({ context }) => this.forContext(context.name)) : [fixed]
  }

  /** The rules of a policy that has left the file are the strictest. */
  #absorbOf(policies: readonly PolicyName[]): Absorb {
    const rules = policies.map(({ name }) => this.#job.policies.find((policy) => policy.name === name))
    return strictestAbsorb(rules.map((policy) => policy?.absorb ?? 'auto'))
  }

  /**
   * Why it stays in the file; undefined where that is no news. An exec entry counts where it stands in the
   * place of ours: that a user has a plugin of its own is for `adopt` and `audit` to say.
   */
  #because(file: LoadedFile, user: UserEntry, { kind, adoptable }: UserKind): string | undefined {
    if (kind !== 'exec')
      return adoptable
        ? 'holds a secret in plain text; to seal it: kubeguard adopt'
        : 'holds a credential that a plugin can’t carry: use a token or a client certificate instead'
    if (!this.#pinned.has(keyOf(file.snapshot.real, user.name))) return undefined
    const exec = fieldValue(file.config, user, 'exec') as { command?: unknown }
    const command = typeof exec.command === 'string' ? exec.command : 'nothing that could be run'
    return `another program has put ${command} in the place of kubeguard: it works while locked; look at it, and to wrap it: kubeguard adopt`
  }

  #isLeftOut(file: LoadedFile, user: UserEntry, kind: string): boolean {
    return this.#job.leftOut.some(
      (left) => left.user === user.name && left.kind === kind && left.file === file.snapshot.real,
    )
  }

  #strictest(): PolicyName {
    const usable = this.#job.policies.filter(({ name }) => this.#catalogue.has(name))
    return strictestOf(usable) ?? { name: this.#catalogue.policies()[0] ?? 'default' }
  }
}

function strictestOf(policies: PolicySet): Policy | undefined {
  return policies.toSorted((a, b) => a.idleMs - b.idleMs || a.lifetimeMs - b.lifetimeMs)[0]
}

/** Under which policies each user was adopted, the latest last. */
function pinnedPolicies(catalogue: DetailedCatalogue): Map<string, string[]> {
  const adopted = catalogue
    .policies()
    .flatMap((policy) => catalogue.entries(policy).map((entry) => ({ policy, ...entry })))
    .toSorted((a, b) => a.adoptedAtMs - b.adoptedAtMs)
  const pinned = new Map<string, string[]>()
  for (const { file, user, policy } of adopted) {
    const key = keyOf(file, user)
    pinned.set(key, [...(pinned.get(key) ?? []), policy])
  }
  return pinned
}

const keyOf = (file: string, user: string): string => `${file}\0${user}`
