import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import type { Hold } from '../../domain/hold.ts'
import { decodeRequest } from '../../protocol/frame.ts'
import type { RequestOf } from '../../protocol/messages.ts'
import type { OpenReport } from '../../protocol/reports.ts'
import { isAlive } from '../processes/inspect.ts'
import { signalProcess } from '../processes/signal-process.ts'
import type {
  Fetched,
  Keeper,
  Opened,
  OpenedAnswer,
  ProcessId,
  Ticket,
  Voucher,
} from '../../usecases/ports.ts'
import { KeeperChannel } from './channel.ts'
import { giveOpenName, removeSocket } from './open-name.ts'
import { RequestsUnderWay } from './requests-under-way.ts'

interface KeeperNews {
  /** Whose name will lead to it, once opened; absent for one with another job, or of one terminal. */
  readonly policy?: string
  readonly requested: (request: RequestOf<'keeper.request'>) => void
}

/** A keeper that listens, as the daemon sees it. */
export class KeeperProcess implements Keeper {
  readonly socket: string
  readonly pid: number
  readonly #child: ChildProcess
  readonly #channel: KeeperChannel
  readonly #gone: Promise<void>
  readonly #policy: string | undefined
  #fetched: ((fetched: Fetched) => void) | undefined
  #gateway: ProcessId | undefined
  #opened: ((opened: Opened) => OpenedAnswer) | undefined

  constructor(child: ChildProcess, line: Duplex, socket: string, { policy, requested }: KeeperNews) {
    this.socket = socket
    this.#policy = policy
    this.pid = child.pid as number
    this.#child = child
    const underWay = new RequestsUnderWay(requested)
    this.#channel = new KeeperChannel(line, {
      'keeper.opened': (body) => this.#answerOpened(body),
      'keeper.fetched': (body) => this.#hearFetched(body),
      'keeper.gateway': (body) => {
        this.#gateway = decodeRequest('keeper.gateway', body)
        return {}
      },
      'keeper.request': (body) => (underWay.hear(decodeRequest('keeper.request', body)), {}),
    })
    this.#channel.onClose(() => underWay.end())
    this.#gone = this.#cleanUp()
    line.resume()
  }

  /** @throws GuardError internal when the keeper is gone */
  expect({ ticket, client, purpose, credential }: Ticket): void {
    this.#channel.tell('keeper.expect', {
      ticket,
      pid: client.pid,
      startTicks: client.startTicks,
      purpose,
      credential,
    })
  }

  /** @throws GuardError internal when the keeper is gone */
  vouch({ client, credential }: Voucher): void {
    this.#channel.tell('keeper.vouch', { ...client, credential })
  }

  /** @throws GuardError internal when the keeper is gone */
  async live(deadlines: { deadlineBootMs: number; lifetimeWallMs: number }): Promise<void> {
    await this.#channel.request('keeper.live', deadlines)
  }

  /** @throws GuardError internal when the keeper is gone */
  async narrow(holds: readonly Hold[]): Promise<void> {
    const named = (wanted: Hold['kind']): string[] =>
      holds.filter(({ kind }) => kind === wanted).map(({ process }) => `${process.pid}:${process.startTicks}`)
    await this.#channel.request('keeper.narrow', { jobs: named('hold'), writers: named('finish') })
  }

  onOpened(listener: (opened: Opened) => OpenedAnswer): void {
    this.#opened = listener
  }

  onFetched(listener: (fetched: Fetched) => void): void {
    this.#fetched = listener
  }

  onExit(listener: () => void): void {
    void this.#gone.then(listener)
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
    // It hears of that by its own line, and goes; one that does not is made to.
    if (this.#gateway !== undefined) await endSoon(this.#gateway)
  }

  async #cleanUp(): Promise<void> {
    // The line ends by itself: what the keeper said before its end, of a credential given out, is still read.
    await whenGone(this.#child)
    removeSocket(this.socket, this.#policy)
  }

  /** Nobody to ask means no: the keeper ends itself then. */
  #answerOpened(body: Buffer): OpenedAnswer {
    const { generation, failure, report } = decodeRequest('keeper.opened', body)
    const opened = { generation, failure, report: report as OpenReport | undefined }
    const answer = this.#opened?.(opened) ?? { accepted: false }
    if (answer.accepted && this.#policy !== undefined) giveOpenName(this.socket, this.#policy)
    return answer
  }

  #hearFetched(body: Buffer): Record<string, never> {
    const { pid, startTicks, program, credential } = decodeRequest('keeper.fetched', body)
    this.#fetched?.({ client: { pid, startTicks }, program, credential })
    return {}
  }
}

/** A gateway's last words take 30 ms. */
const gatewayMs = 250
const lookEveryMs = 5

async function endSoon(id: ProcessId): Promise<void> {
  const until = performance.now() + gatewayMs
  while (isAlive(id)) {
    if (performance.now() > until) signalProcess(id, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}

function whenGone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}
