import { GuardError } from '../domain/errors.ts'
import { createClock } from '../platform/clock.ts'
import { KeeperChannel } from '../platform/keepers/channel.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import { ancestryOf } from '../platform/processes/inspect.ts'
import { readProcStat } from '../platform/processes/proc-stat.ts'
import { decodeRequest, encodeReply, requestName } from '../protocol/frame.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import type { FailedBefore, OpenReport } from '../protocol/reports.ts'
import type { KeeperOrder, ProcessId } from '../usecases/ports.ts'
import type { Duplex } from 'node:stream'
import type { Call, Ongoing } from './connection.ts'
import { refusedWith, toGuardError } from './connection.ts'
import { Dialogue } from './dialogue.ts'
import type { Holdings } from './factor.ts'
import { GatewayLink } from './gateway-link.ts'
import { give } from './give.ts'
import { unknownCredential } from './holdings.ts'
import { Lease } from './lease.ts'
import { attempt } from './modes.ts'
import type { Done } from './modes.ts'
import { PlainText } from './plain-text.ts'
import { Served } from './served.ts'
import { Tickets } from './tickets.ts'
import type { ExpectedTicket } from './tickets.ts'
import { holderOf } from './holder-of.ts'
import { Vouchers } from './vouchers.ts'
import { WrappedPlugins } from './wrapped/wrapped-plugins.ts'

export interface KeeperOptions {
  readonly order: KeeperOrder
  readonly vaultsDir: string
  /** The line to the daemon. */
  readonly line: Duplex
  /** Ends the process, once the answers that are on their way are sent. */
  readonly leave: () => void
  /** Ends the process. */
  readonly exit: () => void
}

/** How often to look whether the one who is to type the passphrase is still there. */
const askerEveryMs = 500

type OpenedReply = ReplyOf<'keeper.opened'>

/** One keeper: one attempt, and after an unlock the credentials, until it ends. */
export class Keeper {
  readonly #options: KeeperOptions
  readonly #clock = createClock()
  readonly #lease = new Lease(() => this.#clock.now())
  readonly #tickets = new Tickets(() => this.#clock.now().bootMs)
  readonly #channel: KeeperChannel
  #holdings: Holdings | undefined
  readonly #vouchers = new Vouchers({ bootMs: () => this.#clock.now().bootMs, holderOf })
  readonly #served = new Served(ancestryOf)
  readonly #plainText = new PlainText()
  readonly #wrapped = new WrappedPlugins({
    now: () => this.#clock.now(),
    ancestryOf,
    lifetimeWallMs: (pid) => this.#serving(pid),
  })
  readonly #gateway: GatewayLink
  #attempted = false

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#channel = new KeeperChannel(options.line, {
      'keeper.expect': (body) => this.#expect(body),
      'keeper.live': (body) => this.#live(body),
      'keeper.narrow': (body) => this.#narrow(body),
      'keeper.vouch': (body) => this.#vouch(body),
    })
    const end = (): void => this.#end()
    this.#gateway = new GatewayLink({
      order: options.order,
      holdings: () => this.#holdings,
      begun: (id) => this.#channel.tell('keeper.gateway', id),
      requested: (request) => this.#passOn(request),
      lost: end,
    })
    this.#channel.onClose(end)
    this.#lease.watch(end)
  }

  /** Revokes first: taking plain text out takes a moment. */
  #end(): void {
    this.#lease.end()
    this.#wrapped.endUnserved()
    this.#plainText.takeOut(this.#options.exit)
  }

  /** Answers a client on the keeper's own socket. @throws GuardError, FrameError */
  async answer(call: Call): Promise<Buffer | Ongoing> {
    const { frame, pid } = call
    switch (requestName(frame.id)) {
      case 'keeper.open':
        return this.#open(call)
      case 'keeper.issue':
        return this.#issue(call)
      case 'keeper.fetch':
        return this.#fetch(frame.body, pid)
      default:
        throw new GuardError('protocol-error', 'a keeper does not answer this')
    }
  }

  #expect(body: Buffer): ReplyOf<'keeper.expect'> {
    const { ticket, pid, startTicks, purpose, credential } = decodeRequest('keeper.expect', body)
    if (purpose !== 'open' && purpose !== 'issue') throw new GuardError('protocol-error', 'unknown purpose')
    const expected = { client: { pid, startTicks }, purpose, credential } as const
    this.#tickets.add(ticket, expected)
    if (purpose === 'open') this.#waitFor(expected)
    return {}
  }

  /** A question that was cancelled leaves nobody to wait for: the session is not `unlocking` any more. */
  #waitFor(asker: ExpectedTicket): void {
    setTimeout(() => {
      if (this.#attempted) return
      if (isThere(asker)) this.#waitFor(asker)
      else this.#options.exit()
    }, askerEveryMs)
  }

  #live(body: Buffer): ReplyOf<'keeper.live'> {
    this.#lease.renew(decodeRequest('keeper.live', body))
    return {}
  }

  async #narrow(body: Buffer): Promise<ReplyOf<'keeper.narrow'>> {
    this.#vouchers.end()
    const { jobs, writers } = decodeRequest('keeper.narrow', body)
    this.#served.narrow(jobs, writers)
    this.#wrapped.endUnserved()
    await this.#gateway.narrow((client) => this.#served.servesClient(client))
    return {}
  }

  #vouch(body: Buffer): ReplyOf<'keeper.vouch'> {
    const { pid, startTicks, credential } = decodeRequest('keeper.vouch', body)
    this.#vouchers.add({ client: { pid, startTicks }, credential })
    return {}
  }

  /** The ticket is spent by the attempt, whoever made it. @throws GuardError ticket-refused */
  async #claim(ticket: Buffer, pid: number, purpose: ExpectedTicket['purpose']): Promise<ExpectedTicket> {
    let expected = this.#tickets.take(ticket)
    if (expected === undefined) {
      // The daemon told us before it told the client, but on another line: it may lie there, to be read in this turn.
      await endOfTurn()
      expected = this.#tickets.take(ticket)
    }
    if (expected?.purpose !== purpose || expected.client.pid !== pid || !isThere(expected)) {
      throw new GuardError('ticket-refused', 'this process may not ask the keeper')
    }
    return expected
  }

  async #open({ frame, pid, gone }: Call): Promise<Buffer | Ongoing> {
    const { ticket, ...secrets } = decodeRequest('keeper.open', frame.body)
    // Copies: what was read is wiped at the first reply, which may be a question.
    const passphrase = Buffer.from(secrets.passphrase)
    const newPassphrase = secrets.newPassphrase && Buffer.from(secrets.newPassphrase)
    const client = await this.#claim(ticket, pid, 'open')
    if (this.#attempted) throw new GuardError('ticket-refused', 'this keeper has had its attempt')
    this.#attempted = true
    const { order, vaultsDir } = this.#options
    return new Dialogue(gone, (withinMs) => this.#lease.allow(withinMs)).run(async (dialogue) => {
      try {
        const work = attempt({ order, vaultsDir, passphrase, newPassphrase, dialogue, gone: whenGone(gone) })
        const done = await this.#told(work, client)
        const report = await this.#conclude(done)
        const { recoveryKey } = done
        return { report, ...(recoveryKey !== undefined && { recoveryKey: Buffer.from(recoveryKey) }) }
      } catch (error) {
        this.#options.leave()
        throw error
      } finally {
        passphrase.fill(0)
        newPassphrase?.fill(0)
      }
    })
  }

  /** A failure is the daemon's to count before the client hears of it. */
  async #told(work: Promise<Done>, client: ExpectedTicket): Promise<Done> {
    const { mode, generation } = this.#options.order
    try {
      const done = await work
      // Whoever pressed Ctrl-C at the prompt does not want an open session.
      if (mode !== 'unlock' || isThere(client)) return done
      throw new GuardError('unlock-cancelled', 'nobody waits any more')
    } catch (error) {
      await this.#channel.request('keeper.opened', { generation, failure: toGuardError(error).code })
      throw error
    }
  }

  async #conclude({ report, holdings }: Done): Promise<OpenReport> {
    const { mode, generation } = this.#options.order
    const answer = await this.#channel.request('keeper.opened', { generation, report })
    if (mode === 'unlock') {
      this.#begin(answer)
      this.#holdings = holdings
    } else this.#options.leave()
    const { idleMs, untilWallMs, materialise, failedBefore } = answer
    const more =
      materialise === undefined ? {} : await this.#plainText.put(materialise, holdings?.items ?? [])
    const gateway = await this.#gateway.begin(this.#lease.inForce?.lifetimeWallMs)
    const limits = {
      ...(idleMs !== undefined && { idleMs }),
      ...(untilWallMs !== undefined && { untilWallMs }),
      ...(failedBefore !== undefined && { failedBefore: failedBefore as FailedBefore }),
    }
    return { ...report, ...more, ...gateway, ...limits }
  }

  /** @throws GuardError unlock-superseded, or what the daemon refuses with */
  #begin({ accepted, deadlineBootMs, lifetimeWallMs, refusal }: OpenedReply): void {
    if (!accepted) throw refusedWith(refusal)
    const known = deadlineBootMs !== undefined && lifetimeWallMs !== undefined
    this.#lease.open(known ? { deadlineBootMs, lifetimeWallMs } : undefined)
  }

  async #issue(call: Call): Promise<Buffer | Ongoing> {
    const { ticket, apiVersion } = decodeRequest('keeper.issue', call.frame.body)
    const { credential } = await this.#claim(ticket, call.pid, 'issue')
    this.#serving(call.pid)
    const item = await this.#item(credential ?? '')
    if (item.exec !== undefined) return this.#wrapped.begin({ ...item, exec: item.exec }, call)
    const lifetimeWallMs = this.#serving(call.pid)
    const execCredential = await this.#give(item, apiVersion, { client: holderOf(call.pid), lifetimeWallMs })
    // What took a while may have come to its end by now.
    this.#serving(call.pid)
    return encodeReply('keeper.issue', { execCredential })
  }

  /** @returns the end of the lifetime in wall-clock ms. @throws GuardError locked: this process gets nothing now */
  #serving(pid: number): number {
    const deadlines = this.#lease.inForce
    if (deadlines === undefined || !this.#served.serves(pid))
      throw new GuardError('locked', 'the session is locked')
    return deadlines.lifetimeWallMs
  }

  /** The daemon looks at deadlines before it lets anybody through; here nobody did since, so they are met to the moment. */
  async #fetch(body: Buffer, pid: number): Promise<Buffer> {
    const { credential, apiVersion } = decodeRequest('keeper.fetch', body)
    const deadlines = this.#lease.isOverdue ? undefined : this.#lease.inForce
    const client = deadlines === undefined ? undefined : this.#vouchers.take(pid, credential)
    if (deadlines === undefined || client === undefined) return encodeReply('keeper.fetch', {})
    const item = await this.#item(credential)
    // A plugin that is to be run first: that takes a ticket.
    if (item.exec !== undefined) return encodeReply('keeper.fetch', {})
    const { lifetimeWallMs } = deadlines
    const execCredential = await this.#give(item, apiVersion, { client, lifetimeWallMs })
    if (this.#lease.isOverdue || !this.#served.serves(pid)) return encodeReply('keeper.fetch', {})
    const { pid: holder, startTicks, program } = client
    this.#channel.tell('keeper.fetched', { pid: holder, startTicks, program, credential })
    return encodeReply('keeper.fetch', { execCredential })
  }

  /** @throws GuardError credential-unknown, or why it is not to be had now */
  async #item(credential: string): Promise<VaultItem> {
    if (this.#holdings === undefined) throw unknownCredential(credential)
    return this.#holdings.item(credential)
  }

  /** A daemon that reads nothing ends this session soon; its gateway shall not for that. */
  #passOn(request: RequestOf<'keeper.request'>): void {
    try {
      this.#channel.tell('keeper.request', request)
    } catch {
      // Nobody is there to keep it.
    }
  }

  #give(
    item: VaultItem,
    apiVersion: string,
    to: { readonly client: ProcessId | undefined; readonly lifetimeWallMs: number },
  ): Promise<Buffer> {
    const { access } = this.#options.order
    return give(item, apiVersion, { ...to, access, gateway: this.#gateway, wallMs: this.#clock.now().wallMs })
  }
}

function whenGone(gone: Promise<void>): AbortSignal {
  const controller = new AbortController()
  void gone.then(() => controller.abort())
  return controller.signal
}

/** Everything that could be read when this turn of the event loop began has been read by then. */
const endOfTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const isThere = ({ client }: ExpectedTicket): boolean =>
  readProcStat(client.pid)?.startTicks === client.startTicks
