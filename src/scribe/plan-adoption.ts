import type { Policy } from '../domain/policy.ts'
import { givenCredential } from '../domain/given-credential.ts'
import { policyForContext } from '../domain/policy.ts'
import { settingsFor } from '../domain/policy-unlock.ts'
import type { KnownToFactor } from '../domain/policy-unlock.ts'
import { classifyUser } from '../platform/kubeconfig/classify-user.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import { execEntry } from '../platform/kubeconfig/exec-entry.ts'
import type { UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { notEditable } from '../platform/kubeconfig/splice.ts'
import type { AdoptOrder } from '../platform/scribes/job.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { FoundLogIn, LeftUser } from '../protocol/reports.ts'
import type { AdoptionPlan, PlannedLogIn, PlannedMove, PlannedUser } from './adoption-plan.ts'
import { adviceForLeft, rulesOf } from './adoption-advice.ts'
import { sharesBehind, wantsGateway } from './behind-gateway.ts'
import type { Gateways } from './behind-gateway.ts'
import { contextsOf, namesOf } from './load-files.ts'
import type { ContextPlace, LoadedFile } from './load-files.ts'
import { logInOf } from './foreign-log-in.ts'
import { leftToLogIn, policyOfLogIn, secretFileOf, whyNotServed } from './left-to-log-in.ts'
import { Materialised } from './materialised-fields.ts'
import type { Split } from './original.ts'
import { isElsewhere, wayOf } from './plan-moves.ts'
import type { WantedAccess } from './plan-moves.ts'
import { placementByRules } from './placement.ts'
import type { Placement, PolicyName } from './placement.ts'
import type { Secrets } from './read-secrets.ts'
import { itemOf, reportOfItem } from './sealed-share.ts'
import { secretsOf } from './secrets-of.ts'
import { partName, splitOf } from './shares.ts'
import type { Share } from './shares.ts'
import { foundLogIn, reportOfLogIn } from './take-log-in-over.ts'
import { keptFields, originalOf, removedFields } from './taken-fields.ts'

/**
 * What adopting would do to these files; nothing is changed.
 *
 * @throws GuardError kubeconfig-invalid where a user that holds a secret can't be read or edited
 */
export function planAdoption(
  files: readonly LoadedFile[],
  order: PlanOrder,
  nowMs: number,
  {
    placement = placementByRules(order),
    materialised = new Materialised([]),
    gateways = new Map(),
    isWrapped = () => false,
  }: Bounds = {},
): AdoptionPlan {
  const plan = new Planner(files, { order, nowMs, placement, materialised, gateways, isWrapped })
  for (const file of files) {
    for (const user of file.config.users) if (placement.takes(file, user)) plan.addUser(file, user)
  }
  return plan
}

interface Bounds {
  readonly placement?: Placement
  /** What we put into the files ourselves: it is adopted already. */
  readonly materialised?: Materialised
  /** Where the gateways of policies are that have `access: gateway`. */
  readonly gateways?: Gateways
  /** Does an exec plugin give this credential? That goes by no gateway. */
  readonly isWrapped?: (ours: Ours) => boolean
}

type Ours = NonNullable<UserKind['ours']>

type PlanOrder = Pick<AdoptOrder, 'policies' | 'plugin'> & Partial<Pick<AdoptOrder, 'users'>>

class Planner implements AdoptionPlan {
  readonly items: VaultItem[] = []
  readonly edits = new Map<LoadedFile, Edit[]>()
  readonly adopted: PlannedUser[] = []
  readonly replaced: PlannedLogIn[] = []
  readonly logIns: FoundLogIn[] = []
  readonly left: LeftUser[] = []
  readonly moves: PlannedMove[] = []
  readonly #files: readonly LoadedFile[]
  readonly #order: PlanOrder
  readonly #nowMs: number
  readonly #placement: Placement
  readonly #materialised: Materialised
  readonly #gateways: Gateways
  readonly #isWrapped: (ours: Ours) => boolean

  constructor(
    files: readonly LoadedFile[],
    { order, nowMs, ...bounds }: { order: PlanOrder; nowMs: number } & Required<Bounds>,
  ) {
    this.#files = files
    this.#order = order
    this.#nowMs = nowMs
    this.#placement = bounds.placement
    this.#materialised = bounds.materialised
    this.#gateways = bounds.gateways
    this.#isWrapped = bounds.isWrapped
  }

  addUser(file: LoadedFile, user: UserEntry): void {
    const found = classifyUser(file.config, user)
    const isOurs = found.ours !== undefined && this.#materialised.has(file.config, user)
    const kind: UserKind = isOurs ? { ...found, kind: 'ours', adoptable: false } : found
    const contexts = contextsOf(this.#files, file, user)
    if (kind.ours !== undefined) this.#finishSplit(user, kind.ours.policy, contexts)
    const logIn = logInOf(file.config, user, kind)
    if (!kind.adoptable && logIn === undefined)
      return this.#leave(file, user, kind, contexts, this.#planMove(file, user, kind, contexts))
    const read = secretsOf(file, user, kind)
    if ('problem' in read) return this.#leave(file, user, kind, contexts, read.problem)
    const shares = this.#share(file, user, contexts, logIn)
    const isGiven = ({ policy }: Share): boolean => this.#policyOfLogIn(policy) !== undefined
    const unserved = this.#whyNotServed(shares, logIn)
    if (unserved !== undefined) return void this.left.push(leftToLogIn(file, user, contexts, unserved))
    const others = shares.filter((share) => !isGiven(share))
    if (logIn !== undefined && others.length > 0) this.logIns.push(foundLogIn(file, user, logIn, others))
    if (!kind.adoptable && others.length > 0) return this.#leave(file, user, kind, contexts)
    const split = splitOf(user, shares)
    const placed = sharesBehind(file, shares, read.secrets, {
      policies: this.#order.policies,
      gateways: this.#gateways,
    })
    if ('problem' in placed) return this.#leave(file, user, kind, contexts, placed.problem)
    for (const share of placed) {
      if (logIn !== undefined && isGiven(share)) this.#addLogIn(file, user, kind, share, logIn, split)
      else this.#addShare(file, user, kind, share, read.secrets, split)
    }
  }

  #whyNotServed(shares: readonly Share[], logIn: KnownToFactor | undefined): string | undefined {
    const given = shares.flatMap(({ policy }) => this.#policyOfLogIn(policy) ?? [])
    return given.map((policy) => whyNotServed(policy, logIn)).find((why) => why !== undefined)
  }

  #policyOfLogIn({ name }: PolicyName): Policy | undefined {
    return policyOfLogIn(this.#order.policies, name)
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

  /** @returns why its access can’t become what its policy wants; undefined where it is so, or can */
  #planMove(
    file: LoadedFile,
    { name }: UserEntry,
    { ours }: UserKind,
    contexts: readonly ContextPlace[],
  ): string | undefined {
    const wanted = ours && this.#accessWanted(ours.policy)
    if (wanted === undefined || this.#isWrapped(ours as Ours) || !isElsewhere(contexts, wanted))
      return undefined
    const way = wayOf(file, contexts, wanted)
    if ('problem' in way) return way.problem
    const { policy, access } = wanted
    const servers = way.upstreams.map(({ server }) => server)
    this.moves.push({ file, way, report: { file: file.config.path, user: name, policy, access, servers } })
    return undefined
  }

  /** Undefined where no rules say so. */
  #accessWanted(policy: string): WantedAccess | undefined {
    if (rulesOf(this.#order.policies, policy) === undefined) return undefined
    if (!wantsGateway(this.#order.policies, { name: policy })) return { policy, access: 'plugin' }
    const place = this.#gateways.get(policy)
    return place && { policy, access: 'gateway', place }
  }

  #share(
    file: LoadedFile,
    user: UserEntry,
    contexts: readonly ContextPlace[],
    logIn: KnownToFactor | undefined,
  ): Share[] {
    const fixed = this.#placement.fixed(file, user, contexts)
    if (fixed !== undefined) return [{ policy: fixed, name: user.name, contexts }]
    const byPolicy = Map.groupBy(contexts, ({ context }) => this.#policyFor(context.name, logIn).name)
    return [...byPolicy].map(([policy, own], index) => ({
      policy: { name: policy },
      name: index === 0 ? user.name : this.#partName(file, user.name, { name: policy }),
      contexts: own,
    }))
  }

  /** A log-in goes to the policy that does it, wherever else secrets would be sealed. */
  #policyFor(context: string, logIn: KnownToFactor | undefined): PolicyName {
    const own = this.#policyOfLogIn(policyForContext(this.#order.policies, context))
    const serves = own !== undefined && logIn !== undefined && whyNotServed(own, logIn) === undefined
    return serves ? own : this.#placement.forContext(context)
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
    const sealing = { files: this.#files, file, user, kind, share, secrets, split, nowMs: this.#nowMs }
    const item = itemOf(sealing)
    const { exec } = secrets
    const entry = execEntry(this.#order.plugin, share.policy.name, item.id, exec?.provideClusterInfo)
    this.#nameOurs(file, user, share, entry)
    for (const edit of share.behind?.edits ?? []) this.#edit(file, edit)
    this.items.push(item)
    this.adopted.push({ file, item, report: reportOfItem(item, sealing, this.#order.policies) })
  }

  /** The policy's factor does what its plugin did: nothing is sealed, and what stood there is noted for eject. */
  #addLogIn(
    file: LoadedFile,
    user: UserEntry,
    kind: UserKind,
    share: Share,
    known: KnownToFactor,
    split?: Split,
  ): void {
    const { policy, name, contexts } = share
    this.#nameOurs(
      file,
      user,
      share,
      execEntry(this.#order.plugin, policy.name, givenCredential(policy.name)),
    )
    const settings = settingsFor(this.#policyOfLogIn(policy)?.unlock ?? [], known)
    const secretFile = settings === undefined ? undefined : secretFileOf(settings)
    this.replaced.push({
      policy: policy.name,
      file: file.snapshot.real,
      user: name,
      contexts: namesOf(contexts),
      original: originalOf(file, user, kind, { split }),
      known,
      secretFile,
      inFile: file,
    })
    const how = { policy: policy.name, known, secretFile }
    this.adopted.push({ file, report: reportOfLogIn(file, name, namesOf(contexts), how) })
  }

  /** Our entry in the place of what is taken: at the user, or at one of its name's parts. */
  #nameOurs(
    file: LoadedFile,
    user: UserEntry,
    { name, contexts }: Share,
    exec: ReturnType<typeof execEntry>,
  ): void {
    if (name === user.name)
      return this.#edit(file, { edit: 'fields', user, remove: removedFields(user), add: { exec } })
    const exists = file.config.users.some((other) => other.name === name)
    const fields = { ...keptFields(file, user), exec }
    if (!exists) this.#edit(file, { edit: 'add-user', after: user, name, fields })
    for (const place of contexts) this.#pointContext(place, file, name)
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
