import { describePlugin, sourcesOf } from '../domain/exec-plugins.ts'
import type { Policy } from '../domain/policy.ts'
import { policyForContext } from '../domain/policy.ts'
import { classifyUser, secretFields } from '../platform/kubeconfig/classify-user.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { execEntry } from '../platform/kubeconfig/exec-entry.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { notEditable } from '../platform/kubeconfig/splice.ts'
import type { AdoptOrder } from '../platform/scribes/job.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { AdoptedUser, LeftUser } from '../protocol/reports.ts'
import { adviceFor, adviceForLeft, adviceOnPolicy, rulesOf } from './adoption-advice.ts'
import { credentialId, expiryOf, kindOfSecrets, strengthOf } from './credential-facts.ts'
import { clusterOf } from './cluster-of.ts'
import { contextsOf, namesOf } from './load-files.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'
import { leftToLogIn, policyOfLogIn } from './left-to-log-in.ts'
import { Materialised } from './materialised-fields.ts'
import type { Original, Split } from './original.ts'
import { readExec } from './read-exec.ts'
import { readSecrets } from './read-secrets.ts'
import type { Secrets, SecretsFound } from './read-secrets.ts'

export interface AdoptionPlan {
  readonly items: readonly VaultItem[]
  readonly edits: ReadonlyMap<LoadedFile, readonly Edit[]>
  readonly adopted: readonly PlannedUser[]
  readonly left: readonly LeftUser[]
}

export interface PlannedUser {
  readonly file: LoadedFile
  readonly item: VaultItem
  readonly report: AdoptedUser
}

/**
 * What adopting would do to these files; nothing is changed.
 *
 * @throws GuardError kubeconfig-invalid where a user that holds a secret can't be read or edited
 */
export function planAdoption(
  files: readonly LoadedFile[],
  order: PlanOrder,
  nowMs: number,
  { placement = placementByRules(order), materialised = new Materialised([]) }: Bounds = {},
): AdoptionPlan {
  const plan = new Planner(files, { order, nowMs, placement, materialised })
  for (const file of files) {
    for (const user of file.config.users) if (placement.takes(file, user)) plan.addUser(file, user)
  }
  return plan
}

interface Bounds {
  readonly placement?: Placement
  /** What we put into the files ourselves: it is adopted already. */
  readonly materialised?: Materialised
}

type PlanOrder = Pick<AdoptOrder, 'policies' | 'plugin'> & Partial<Pick<AdoptOrder, 'users'>>

/** Which users are adopted, and under which policy. */
export interface Placement {
  takes(file: LoadedFile, user: UserEntry): boolean
  /** One policy for all of a user's contexts; undefined where each context decides. */
  fixed(file: LoadedFile, user: UserEntry, contexts: readonly ContextPlace[]): PolicyName | undefined
  forContext(context: string): PolicyName
}

type PolicyName = Pick<Policy, 'name'>

/** A user that no context uses goes where a context of its name would go. */
function placementByRules({ users = [], policies }: PlanOrder): Placement {
  return {
    takes: (_, user) => users.length === 0 || users.includes(user.name),
    fixed: (_, user, contexts) => (contexts.length === 0 ? policyForContext(policies, user.name) : undefined),
    forContext: (context) => policyForContext(policies, context),
  }
}

/** One policy's share of a user: the first keeps the user's name. */
interface Share {
  readonly policy: PolicyName
  readonly name: string
  readonly contexts: readonly ContextPlace[]
}

class Planner implements AdoptionPlan {
  readonly items: VaultItem[] = []
  readonly edits = new Map<LoadedFile, Edit[]>()
  readonly adopted: PlannedUser[] = []
  readonly left: LeftUser[] = []
  readonly #files: readonly LoadedFile[]
  readonly #order: PlanOrder
  readonly #nowMs: number
  readonly #placement: Placement
  readonly #materialised: Materialised

  constructor(
    files: readonly LoadedFile[],
    { order, nowMs, placement, materialised }: { order: PlanOrder; nowMs: number } & Required<Bounds>,
  ) {
    this.#files = files
    this.#order = order
    this.#nowMs = nowMs
    this.#placement = placement
    this.#materialised = materialised
  }

  addUser(file: LoadedFile, user: UserEntry): void {
    const found = classifyUser(file.config, user)
    const isOurs = found.ours !== undefined && this.#materialised.has(file.config, user)
    const kind: UserKind = isOurs ? { ...found, kind: 'ours', adoptable: false } : found
    const contexts = contextsOf(this.#files, file, user)
    if (kind.ours !== undefined) this.#finishSplit(user, kind.ours.policy, contexts)
    if (!kind.adoptable) return this.#leave(file, user, kind, contexts)
    const read = secretsOf(file, user, kind)
    if ('problem' in read) return this.#leave(file, user, kind, contexts, read.problem)
    const shares = this.#share(file, user, contexts)
    const given = policyOfLogIn(this.#order.policies, shares)
    if (given !== undefined)
      return void this.left.push(leftToLogIn(file, user, contexts, given, read.secrets, this.#order.plugin))
    const split = splitOf(user, shares)
    for (const share of shares) this.#addShare(file, user, kind, share, read.secrets, split)
  }

  #leave(
    file: LoadedFile,
    user: UserEntry,
    kind: UserKind,
    contexts: readonly ContextPlace[],
    problem?: string,
  ): void {
    const because =
      kind.adoptable && kind.kind !== 'exec' ? 'none' : kind.kind === 'ours' ? 'already' : kind.kind
    this.left.push({
      file: file.config.path,
      user: user.name,
      contexts: namesOf(contexts),
      because: because as LeftUser['because'],
      advice: adviceForLeft(user, kind, problem),
    })
  }

  #share(file: LoadedFile, user: UserEntry, contexts: readonly ContextPlace[]): Share[] {
    const fixed = this.#placement.fixed(file, user, contexts)
    if (fixed !== undefined) return [{ policy: fixed, name: user.name, contexts }]
    const byPolicy = Map.groupBy(contexts, ({ context }) => this.#placement.forContext(context.name).name)
    return [...byPolicy].map(([policy, own], index) => ({
      policy: { name: policy },
      name: index === 0 ? user.name : this.#partName(file, user.name, { name: policy }),
      contexts: own,
    }))
  }

  /** A name that is free, or that an interrupted or earlier adoption made. */
  #partName(file: LoadedFile, base: string, policy: PolicyName): string {
    for (let count = 1; ; count += 1) {
      const name = partName(base, policy.name) + (count === 1 ? '' : `-${count}`)
      const taken = this.#files.flatMap(({ config }) =>
        config.users.filter((other) => other.name === name).map((other) => classifyUser(config, other).ours),
      )
      if (taken.every((ours) => ours?.policy === policy.name)) return name
    }
  }

  #addShare(
    file: LoadedFile,
    user: UserEntry,
    kind: UserKind,
    share: Share,
    secrets: Secrets,
    split?: Split,
  ): void {
    const { policy, name, contexts } = share
    const item = this.#itemFor(file, user, kind, share, secrets, split)
    const exec = execEntry(this.#order.plugin, policy.name, item.id, secrets.exec?.provideClusterInfo)
    if (name === user.name) {
      this.#edit(file, { edit: 'fields', user, remove: removedFields(user), add: { exec } })
    } else {
      const exists = file.config.users.some((other) => other.name === name)
      const fields = { ...keptFields(file, user), exec }
      if (!exists) this.#edit(file, { edit: 'add-user', after: user, name, fields })
      for (const place of contexts) this.#pointContext(place, file, name)
    }
    this.items.push(item)
    this.adopted.push({
      file,
      item,
      report: {
        file: file.config.path,
        user: name,
        contexts: namesOf(contexts),
        policy: policy.name,
        credential: item.id,
        kind: kindOfSecrets(secrets),
        strength: strengthOf(secrets, this.#nowMs, rulesOf(this.#order.policies, policy.name)),
        ...(secrets.exec !== undefined && { sources: sourcesOf(describePlugin(secrets.exec)) }),
        ...(item.expiresAtMs !== undefined && { expiresAtMs: item.expiresAtMs }),
        advice: [
          ...adviceFor(file, user, kind, secrets, this.#nowMs),
          ...adviceOnPolicy(this.#order.policies, policy.name, item),
        ],
      },
    })
  }

  #itemFor(
    file: LoadedFile,
    user: UserEntry,
    kind: UserKind,
    share: Share,
    secrets: Secrets,
    split?: Split,
  ): VaultItem {
    const { sources: _, ...held } = secrets
    const expiresAtMs = expiryOf(secrets)
    const original: Original = {
      version: 1,
      path: file.config.path,
      fields: takenFields(file, user, kind),
      ...(split !== undefined && { split }),
    }
    return {
      id: credentialId(share.policy.name, file.snapshot.real, share.name),
      policy: share.policy.name,
      file: file.snapshot.real,
      user: share.name,
      contexts: namesOf(share.contexts),
      ...held,
      cluster: clusterOf(this.#files, share.contexts),
      original,
      adoptedAtMs: this.#nowMs,
      ...(expiresAtMs !== undefined && { expiresAtMs }),
    }
  }

  /** Contexts in other files follow in a later round, when the user that they point to is there. */
  #pointContext(place: ContextPlace, userFile: LoadedFile, name: string): void {
    if (place.context.userNode === undefined) throw notEditable(place.file.config, place.context.offset)
    if (place.file === userFile)
      this.#edit(place.file, { edit: 'point-context', context: place.context, user: name })
  }

  /** A user was split, but a context in another file still points to the whole. */
  #finishSplit(user: UserEntry, policy: string, contexts: readonly ContextPlace[]): void {
    for (const place of contexts) {
      const wanted = policyForContext(this.#order.policies, place.context.name).name
      if (wanted === policy) continue
      const name = partName(user.name, wanted)
      const made = this.#files.some(({ config }) =>
        config.users.some((part) => part.name === name && classifyUser(config, part).ours?.policy === wanted),
      )
      if (made) this.#edit(place.file, { edit: 'point-context', context: place.context, user: name })
    }
  }

  #edit(file: LoadedFile, edit: Edit): void {
    const edits = this.edits.get(file) ?? []
    edits.push(edit)
    this.edits.set(file, edits)
  }
}

const partName = (base: string, policy: string): string => `${base}-kubeguard-${policy}`

function splitOf(user: UserEntry, shares: readonly Share[]): Split | undefined {
  if (shares.length < 2) return undefined
  const places = shares.flatMap(({ contexts }) => contexts)
  return {
    base: user.name,
    parts: shares.map(({ name }) => name).filter((name) => name !== user.name),
    files: [...new Set(places.map(({ file }) => file.snapshot.real))],
  }
}

/** An exec plugin that runs is wrapped; one beside a static token never does. */
function secretsOf(file: LoadedFile, user: UserEntry, kind: UserKind): SecretsFound {
  const found = readSecrets(file.config, user)
  if (kind.kind !== 'exec' || 'problem' in found) return found
  const wrapped = readExec(file.config, user)
  return 'problem' in wrapped ? wrapped : { secrets: { ...found.secrets, exec: wrapped.exec } }
}

/** An exec entry gives way too: ours is written anew, and eject brings back the other one. */
const removedFields = (user: UserEntry): string[] =>
  [...secretFields, 'exec'].filter((name) => user.fields.has(name))

function takenFields(file: LoadedFile, user: UserEntry, kind: UserKind): Record<string, unknown> {
  const taken = removedFields(user).filter((name) => name !== 'exec' || kind.ours === undefined)
  return Object.fromEntries(taken.map((name) => [name, fieldValue(file.config, user, name)]))
}

function keptFields(file: LoadedFile, user: UserEntry): Record<string, unknown> {
  const removed = new Set(removedFields(user))
  const kept = [...user.fields.keys()].filter((name) => !removed.has(name))
  return Object.fromEntries(kept.map((name) => [name, fieldValue(file.config, user, name)]))
}
