import { GuardError } from '../../domain/errors.ts'
import { plainText } from '../../domain/plain-text.ts'
import type { Revoker } from '../../platform/revoker/start-revoker.ts'
import type { VaultItem } from '../../platform/vault/item.ts'
import type { OpenReport } from '../../protocol/reports.ts'
import type { EphemeralOrder } from '../../usecases/ports.ts'
import type { Holdings } from '../factor.ts'
import { ClusterSession } from './cluster-session.ts'
import { ownMachine } from './own-machine.ts'

/** After a session could not be opened the next client has it tried again, but no sooner, in ms. */
const pauseMs = 10_000
/** So many clusters at once: the keeper shall not be busy with a hundred hand-shakes. */
const mostAtOnce = 8

interface Opening {
  readonly session: ClusterSession
  readonly opened: Promise<void>
  failedAtMs: number | undefined
}

type Report = NonNullable<OpenReport['sessions']>

/**
 * What the vault holds opens sessions in clusters; what clients get is a session's. The credential itself is given to
 * nobody, nor put anywhere.
 */
export class EphemeralHoldings implements Holdings {
  readonly items: readonly VaultItem[] = []
  readonly #inner: Holdings
  readonly #order: EphemeralOrder
  readonly #machine = ownMachine()
  readonly #revoker: Revoker
  readonly #openings = new Map<string, Opening>()

  /** @param revoker it has begun to start: the passphrase takes a while */
  constructor(inner: Holdings, order: EphemeralOrder, revoker: Revoker) {
    this.#inner = inner
    this.#order = order
    this.#revoker = revoker
  }

  /** Opens a session for each credential. What fails is told, and tried again when a client asks. */
  async openAll(): Promise<Report> {
    await this.#revoker.ready
    const items = [...this.#inner.items]
    const reports: Report = []
    const worker = async (): Promise<void> => {
      for (let item = items.shift(); item !== undefined; item = items.shift())
        reports.push(await this.#reportOn(item))
    }
    await Promise.all(Array.from({ length: mostAtOnce }, worker))
    return reports
  }

  async #reportOn(item: VaultItem): Promise<Report[number]> {
    const { user, file } = item
    try {
      const session = await this.#sessionOf(item)
      return { user, file, role: this.#order.role, name: session.name }
    } catch (error) {
      const { message, cure } =
        error instanceof GuardError ? error : new GuardError('internal', 'the keeper failed')
      return { user, file, message, cure }
    }
  }

  /** @throws GuardError credential-unknown, cluster-unreachable, cluster-refused, cluster-unknown */
  async item(credential: string): Promise<VaultItem> {
    const own = await this.#inner.item(credential)
    const session = await this.#sessionOf(own)
    const { text, endsMs } = await session.token()
    const { id, policy, file, user, contexts, adoptedAtMs } = own
    return {
      id,
      policy,
      file,
      user,
      contexts,
      adoptedAtMs,
      token: text,
      expiresAtMs: endsMs,
      original: undefined,
    }
  }

  async #sessionOf(item: VaultItem): Promise<ClusterSession> {
    const opening = this.#openingOf(item)
    await opening.opened
    return opening.session
  }

  /** One for all who ask; of one that failed the failure, for a moment. */
  #openingOf(item: VaultItem): Opening {
    const before = this.#openings.get(item.id)
    const isStale = before?.failedAtMs !== undefined && performance.now() - before.failedAtMs > pauseMs
    if (before !== undefined && !isStale) return before
    const session = this.#newSession(item)
    const opening: Opening = { session, opened: session.open(), failedAtMs: undefined }
    opening.opened.catch(() => (opening.failedAtMs = performance.now()))
    this.#openings.set(item.id, opening)
    return opening
  }

  #newSession(item: VaultItem): ClusterSession {
    const { cluster, exec, upstreams, user } = item
    if (upstreams !== undefined)
      throw new GuardError(
        'cluster-unknown',
        `${plainText(user, 100)} was adopted for a gateway, which serves no session in a cluster`,
        { cure: `run: kubeguard eject --user ${plainText(user, 100)}, then: kubeguard adopt` },
      )
    if (exec !== undefined)
      throw new GuardError(
        'cluster-unknown',
        `${plainText(user, 100)} is given by an exec plugin, which can’t open a session in a cluster`,
        { cure: 'adopt it under a policy without credential: ephemeral' },
      )
    if (cluster === undefined)
      throw new GuardError(
        'cluster-unknown',
        `it is not known which API server ${plainText(user, 100)} is for`,
      )
    if (!this.#revoker.isThere)
      throw new GuardError('internal', 'no session is opened: there is no revoker to end it')
    const surroundings = { order: this.#order, machine: this.#machine, revoker: this.#revoker, now: Date.now }
    return new ClusterSession(item, cluster, surroundings)
  }
}
