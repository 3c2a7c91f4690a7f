import { randomBytes } from 'node:crypto'
import type { HeldProcess } from '../domain/hold.ts'
import { GuardError } from '../domain/errors.ts'
import { passDigest } from '../platform/gateways/pass-digest.ts'
import { startGateway } from '../platform/gateways/start-gateway.ts'
import { KeeperChannel } from '../platform/keepers/channel.ts'
import { decodeRequest } from '../protocol/frame.ts'
import type { RequestOf } from '../protocol/messages.ts'
import type { OpenReport } from '../protocol/reports.ts'
import type { GatewayIdentity } from '../platform/vault/gateway-identity.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { KeeperOrder } from '../usecases/ports.ts'
import { toGuardError } from './connection.ts'
import type { Holdings } from './factor.ts'

interface World {
  readonly order: Pick<KeeperOrder, 'policies' | 'access' | 'deny' | 'impersonate'>
  readonly holdings: () => Holdings | undefined
  /** Told before the gateway has a secret: whoever ends this keeper ends that process, too. */
  readonly begun: (id: HeldProcess) => void
  /** A request went through it, or was refused. */
  readonly requested: (request: RequestOf<'gateway.request'>) => void
  /** It ended, and not by us. */
  readonly lost: () => void
}

/** What it is named for its clients, who look for this address and no name. */
const loopback = '127.0.0.1'
/** As many as the gateway keeps passes of: whoever is forgotten here is ended where the session narrows. */
const mostClients = 4_096
/** A session of this account ends at the end of its lifetime at the latest; this is for clocks apart. */
const afterLifetimeMs = 5 * 60_000

/** This keeper's gateway: started when the first credential needs one, and gone with this process. */
export class GatewayLink {
  readonly #world: World
  #channel: Promise<KeeperChannel> | undefined
  /** Credentials that it holds, and as of when. */
  readonly #held = new Map<string, number>()
  /** Whom passes were made for. */
  readonly #clients = new Map<string, HeldProcess>()

  constructor(world: World) {
    this.#world = world
  }

  /**
   * Starts it where a credential needs one: clients that run already are served again before the first asks anew. What fails
   * is told, and no reason to stay locked.
   */
  async begin(lifetimeWallMs: number | undefined): Promise<Pick<OpenReport, 'gatewayDown' | 'otherAccess'>> {
    const items = this.#world.holdings()?.items ?? []
    const isNeeded = items.some(({ upstreams }) => upstreams !== undefined)
    const other = this.#adoptedOtherwise(items)
    const report = other.length === 0 ? {} : { otherAccess: other }
    if (!isNeeded || lifetimeWallMs === undefined) return report
    try {
      await this.#open(lifetimeWallMs)
      return report
    } catch (error) {
      const { message, cure } = toGuardError(error)
      return { ...report, gatewayDown: { message, cure } }
    }
  }

  /** Those that stay as they were adopted though the policy says otherwise now; what a plugin gives goes by none. */
  #adoptedOtherwise(items: readonly VaultItem[]): NonNullable<OpenReport['otherAccess']> {
    const isGateway = this.#world.order.access === 'gateway'
    return items
      .filter(({ exec, upstreams }) => exec === undefined && (upstreams !== undefined) !== isGateway)
      .map(({ user, file }) => ({ user, file }))
  }

  /**
   * @returns a pass for this client and this credential, which the gateway knows before anybody has it
   * @throws GuardError gateway-down, vault-damaged
   */
  async pass(
    item: VaultItem,
    client: HeldProcess,
    until: { readonly endMs: number; readonly lifetimeWallMs: number },
  ): Promise<string> {
    const channel = await this.#open(until.lifetimeWallMs)
    if (this.#held.get(item.id) !== item.adoptedAtMs) {
      const { id, token, clientCertificateData, clientKeyData, upstreams } = item
      const held = { id, token, clientCertificateData, clientKeyData, upstreams }
      channel.tell('gateway.hold', { credential: Buffer.from(JSON.stringify(held)) })
      this.#held.set(item.id, item.adoptedAtMs)
    }
    const pass = `kgp_${randomBytes(32).toString('base64url')}`
    const { pid, startTicks } = client
    this.#clients.set(keyOf(client), client)
    const oldest = this.#clients.keys().next().value
    if (this.#clients.size > mostClients && oldest !== undefined) this.#clients.delete(oldest)
    channel.tell('gateway.admit', {
      digest: passDigest(pass),
      credential: item.id,
      pid,
      startTicks,
      untilWallMs: until.endMs,
    })
    return pass
  }

  /** Ends what is under way of all but these. Resolves when that is done; one that can't be told is ended whole. */
  async narrow(serves: (client: HeldProcess) => boolean): Promise<void> {
    if (this.#channel === undefined) return
    for (const [key, client] of this.#clients) if (!serves(client)) this.#clients.delete(key)
    const channel = await this.#channel
    await channel.request('gateway.narrow', { clients: [...this.#clients.keys()] })
  }

  #open(lifetimeWallMs: number): Promise<KeeperChannel> {
    this.#channel ??= this.#startProcess(lifetimeWallMs)
    return this.#channel
  }

  /** @throws GuardError gateway-down, vault-damaged */
  async #identity(): Promise<GatewayIdentity> {
    const identity = this.#world.holdings()?.gatewayIdentity?.()
    if (identity === undefined) throw new GuardError('gateway-down', 'this session has no gateway')
    return identity
  }

  async #startProcess(lifetimeWallMs: number): Promise<KeeperChannel> {
    try {
      const { order, begun, requested, lost } = this.#world
      const { policies, deny = [], impersonate = 'never' } = order
      const [policy = ''] = policies
      const { port, authority } = await this.#identity()
      // Loaded when it is needed: most keepers never do.
      const { issueLeaf } = await import('../platform/certificates/certificates.ts')
      const leaf = await issueLeaf(authority, {
        subject: `CN=kubeguard gateway of ${policy}`,
        validMs: Math.max(0, lifetimeWallMs - Date.now()) + afterLifetimeMs,
        serves: [{ type: 'ip', value: loopback }],
      })
      const { line, onExit } = await startGateway({ policy, port, deny, impersonate, ...leaf }, begun)
      onExit(lost)
      const channel = new KeeperChannel(line, {
        'gateway.request': (body) => (requested(decodeRequest('gateway.request', body)), {}),
      })
      line.resume()
      return channel
    } catch (error) {
      // Whoever took its port may be gone when the next client asks.
      this.#channel = undefined
      throw error instanceof GuardError ? error : new GuardError('gateway-down', 'the gateway does not run')
    }
  }
}

const keyOf = ({ pid, startTicks }: HeldProcess): string => `${pid}:${startTicks}`
