import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { GuardError } from '../../domain/errors.ts'
import { plainText } from '../../domain/plain-text.ts'
import { ClusterApi } from '../../platform/cluster/cluster-api.ts'
import type { ClusterPlace, ClusterReply } from '../../platform/cluster/cluster-api.ts'
import { endSession } from '../../platform/cluster/end-session.ts'
import {
  endingSteps,
  enderOf,
  ownedBy,
  ownerOf,
  sessionName,
} from '../../platform/cluster/session-objects.ts'
import type { ClusterSessionFacts, ToCreate } from '../../platform/cluster/session-objects.ts'
import type { Revoker } from '../../platform/revoker/start-revoker.ts'
import type { VaultItem } from '../../platform/vault/item.ts'
import type { EphemeralOrder } from '../../usecases/ports.ts'
import { collectLeftovers } from './collect-leftovers.ts'
import type { OwnMachine } from './own-machine.ts'
import { rightsInForce } from './rights-in-force.ts'
import { refusedBy, toClusterError } from './refused-by.ts'

export interface SessionSurroundings {
  readonly order: EphemeralOrder
  readonly machine: OwnMachine
  readonly revoker: Pick<Revoker, 'hold'>
  /** Wall-clock ms. */
  readonly now: () => number
}

interface Token {
  readonly text: string
  /** Wall-clock ms. */
  readonly endsMs: number
  /** How long it was good for when it came. */
  readonly lifeMs: number
}

/** TokenRequest grants no less (Kubernetes, pkg/apis/authentication/validation). */
const tokenSeconds = 600
/** With less left the next client that asks has it renewed. */
const leastLeftMs = 5 * 60_000
/** The ender's is always good for so long: longer than a session's own token lives on. */
const enderLeftMs = 15 * 60_000
const enderSeconds = 40 * 60
const lookEveryMs = 30_000
/** An API server acts on rights from a copy, which is behind for so long at most. */
const lagMs = 3_000
const lagPauseMs = 20
/** A token is taken for 60 s past its end, and what was found right for 10 s more. */
const leewayMs = 75_000

/** One session's identity in one cluster. What clients get is a token of it, never what opened it. */
export class ClusterSession {
  readonly #item: VaultItem
  readonly #place: ClusterPlace
  readonly #surroundings: SessionSurroundings
  readonly #api: ClusterApi
  #facts: ClusterSessionFacts | undefined
  #secretUid = ''
  #token: Token | undefined
  #enderToken: Token | undefined
  #renewal: Promise<Token> | undefined

  constructor(item: VaultItem, place: ClusterPlace, surroundings: SessionSurroundings) {
    this.#item = item
    this.#place = place
    this.#surroundings = surroundings
    this.#api = new ClusterApi(place, item)
  }

  get name(): string {
    return this.#facts === undefined ? '' : sessionName(this.#facts)
  }

  /**
   * Makes it, and lets the revoker hold what ends it, before there is anything to be given out.
   * @throws GuardError cluster-unreachable, cluster-refused
   */
  async open(): Promise<void> {
    try {
      const person = await this.#whoAmI()
      const facts = this.#factsFor(person)
      const owner = await this.#create(ownerOf(facts))
      try {
        await this.#furnish(facts, owner.uid)
      } catch (error) {
        this.#facts = undefined
        // No token of it is anywhere, so its owner's end is enough; by what opened it: nobody else can yet.
        await endSession(this.#api, endingSteps({ ...facts, name: sessionName(facts) }).slice(-1))
        throw error
      }
      this.#keepEnder()
      void collectLeftovers(this.#api, this.#surroundings.machine, person)
    } catch (error) {
      throw toClusterError(error, this.#whereabouts)
    }
  }

  async #furnish(facts: ClusterSessionFacts, ownerUid: string): Promise<void> {
    const [things, referring] = ownedBy(facts, ownerUid)
    const made = await Promise.all(things.map((one) => this.#create(one)))
    this.#secretUid = made.find(({ kind }) => kind === 'Secret')?.uid ?? ''
    this.#facts = facts
    const [token, enderToken] = await Promise.all([
      this.#ask(this.name, tokenSeconds),
      this.#ask(enderOf(this.name), enderSeconds),
      ...referring.map((one) => this.#create(one, performance.now() + lagMs)),
    ])
    this.#token = token
    this.#enderToken = enderToken
    this.#hold()
    await rightsInForce(this.#place, token.text, facts.namespaces[0] ?? 'default')
  }

  /** @returns a token that is good for some minutes. @throws GuardError cluster-unreachable, cluster-refused */
  async token(): Promise<Token> {
    const token = this.#token
    if (token !== undefined && token.endsMs - this.#surroundings.now() > leastLeftMs) return token
    this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined))
    try {
      return await this.#renewal
    } catch (error) {
      // It may be good for some moments yet.
      if (token !== undefined && token.endsMs > this.#surroundings.now()) return token
      throw toClusterError(error, this.#whereabouts)
    }
  }

  async #renew(): Promise<Token> {
    this.#token = await this.#ask(this.name, tokenSeconds)
    this.#hold()
    return this.#token
  }

  #factsFor(person: string): ClusterSessionFacts {
    const { machine, order } = this.#surroundings
    return {
      id: randomBytes(5).toString('hex'),
      home: order.home,
      role: order.role,
      namespaces: order.namespaces,
      person,
      machine: machine.digest,
      host: machine.host,
      account: machine.account,
      policy: this.#item.policy,
      keeper: machine.keeper,
      endsMs: this.#surroundings.now() + order.lifetimeMs + leewayMs,
    }
  }

  /** What the API server takes us for: authentication.k8s.io/v1, Kubernetes 1.28. */
  async #whoAmI(): Promise<string> {
    const api = 'authentication.k8s.io/v1'
    const reply = await this.#api.send('POST', `/apis/${api}/selfsubjectreviews`, {
      apiVersion: api,
      kind: 'SelfSubjectReview',
    })
    const { status } = (reply.body ?? {}) as { status?: { userInfo?: { username?: unknown } } }
    const name = status?.userInfo?.username
    if (reply.status !== 201 || typeof name !== 'string') throw this.#refused(reply, 'to say who we are')
    return name
  }

  /** @param until of `performance.now()`: so long what it refers to may not be known yet */
  async #create({ path, object }: ToCreate, until = 0): Promise<{ kind: string; uid: string }> {
    const reply = await this.#api.send('POST', path, object)
    if (reply.status === 404 && performance.now() < until) {
      await pause(lagPauseMs)
      return this.#create({ path, object }, until)
    }
    const { metadata } = (reply.body ?? {}) as { metadata?: { uid?: unknown } }
    const uid = metadata?.uid
    if (reply.status !== 201 || typeof uid !== 'string')
      throw this.#refused(reply, `a ${object.kind} of a session`)
    return { kind: object.kind, uid }
  }

  /** Both are bound to the Secret (TokenRequest, boundObjectRef) but the ender's, which must outlive it for a moment. */
  async #ask(account: string, expirationSeconds: number): Promise<Token> {
    const secret = { apiVersion: 'v1', kind: 'Secret', name: this.name, uid: this.#secretUid }
    const boundObjectRef = account === this.name ? { boundObjectRef: secret } : {}
    const reply = await this.#api.send(
      'POST',
      `/api/v1/namespaces/${this.#surroundings.order.home}/serviceaccounts/${account}/token`,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds, ...boundObjectRef },
      },
    )
    if (reply.status === 404 && this.#token !== undefined) throw this.#ended()
    const { status } = (reply.body ?? {}) as { status?: { token?: unknown; expirationTimestamp?: unknown } }
    const endsMs = Date.parse(String(status?.expirationTimestamp))
    if (reply.status !== 201 || typeof status?.token !== 'string' || Number.isNaN(endsMs))
      throw this.#refused(reply, 'a token of a session')
    return { text: status.token, endsMs, lifeMs: endsMs - this.#surroundings.now() }
  }

  #hold(): void {
    const [token, facts] = [this.#enderToken, this.#facts]
    if (token === undefined || facts === undefined) return
    this.#surroundings.revoker.hold({
      key: this.name,
      kind: 'cluster',
      place: this.#place,
      token: token.text,
      steps: endingSteps({ ...facts, name: this.name }),
      policy: this.#item.policy,
      name: this.name,
      deadMs: (this.#token?.endsMs ?? this.#surroundings.now()) + leewayMs,
    })
  }

  /** It must be good whenever the lock comes, so nobody's question is waited for. */
  #keepEnder(): void {
    setInterval(() => void this.lookAtEnder(), lookEveryMs)
  }

  /** Called by itself every 30 s. Never throws: the next look tries again. */
  async lookAtEnder(): Promise<void> {
    const { endsMs = 0, lifeMs = 0 } = this.#enderToken ?? {}
    // Where an API server grants less (--service-account-max-token-expiration), half of that.
    if (endsMs - this.#surroundings.now() >= Math.min(enderLeftMs, lifeMs / 2)) return
    try {
      this.#enderToken = await this.#ask(enderOf(this.name), enderSeconds)
      this.#hold()
    } catch {
      // A cluster that can't be reached takes nobody's token for now.
    }
  }

  /** By its administrator, or by a gc elsewhere. */
  #ended(): GuardError {
    const { user, policy } = this.#item
    return new GuardError(
      'cluster-refused',
      `the session of ${plainText(user, 100)} was ended in the cluster`,
      {
        cure: `run: kubeguard lock ${policy}, then: kubeguard unlock ${policy}`,
      },
    )
  }

  #refused(reply: ClusterReply, what: string): GuardError {
    return refusedBy(reply, what, this.#whereabouts)
  }

  get #whereabouts() {
    return { user: this.#item.user, server: this.#place.server }
  }
}
