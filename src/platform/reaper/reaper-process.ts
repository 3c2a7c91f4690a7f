import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { FrameReader } from '../../protocol/channel.ts'
import type { Frame } from '../../protocol/channel.ts'
import { decodeReply, encodeRequest } from '../../protocol/frame.ts'
import { messages, protocolVersion, replyBit } from '../../protocol/messages.ts'
import type { MessageName, RequestOf } from '../../protocol/messages.ts'
import type { ProcessId, TreeRoot } from '../../usecases/ports.ts'

interface Ending {
  resolve(left: string): void
  reject(error: Error): void
}

/** Heartbeats without an answer after which it is taken for dead. */
const mostUnanswered = 3

/** A running reaper, as the daemon sees it. What is sent reaches it even if the daemon is killed right after. */
export class ReaperProcess {
  readonly #child: ChildProcess
  readonly #line: Duplex
  readonly #reader = new FrameReader()
  readonly #endings = new Map<number, Ending>()
  readonly #onWatched: (watched: number) => void
  #unanswered = 0
  #closed = false

  /** `gone` is called once; `watched` with what each heartbeat finds left to watch. */
  constructor(child: ChildProcess, events: { gone: () => void; watched: (count: number) => void }) {
    this.#child = child
    this.#line = child.stdio[3] as Duplex
    this.#onWatched = events.watched
    const leave = (): void => {
      if (this.#closed) return
      this.#closed = true
      for (const ending of this.#endings.values()) ending.reject(new Error('the reaper is gone'))
      this.#endings.clear()
      events.gone()
    }
    child.on('error', leave)
    child.on('exit', leave)
    // A child that could not be started may have no line.
    this.#line?.on('error', () => this.#line.destroy())
    this.#line?.on('close', leave)
    this.#line?.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  watch(group: number, { id, graceMs, alone = false, covers = false }: TreeRoot): void {
    const { pid, startTicks } = id
    this.#send('reaper.watch', { group, pid, startTicks, graceMs, alone, covers })
  }

  forget({ pid, startTicks }: ProcessId): void {
    this.#send('reaper.forget', { pid, startTicks })
  }

  /** The next `end` leaves it alone, and what it started. */
  spare({ pid, startTicks }: ProcessId): void {
    this.#send('reaper.spare', { pid, startTicks })
  }

  /** A reaper that somebody stopped is woken; one that stays silent is killed, and so another is started. */
  live(beats: readonly RequestOf<'reaper.live'>[]): void {
    this.#wake()
    this.#unanswered += 1
    if (this.#unanswered > mostUnanswered) this.kill()
    for (const beat of beats) this.#send('reaper.live', beat)
  }

  /** @returns the pids that could not be ended, as a text. @throws Error when it is gone, or takes too long. */
  end(group: number, withinMs: number): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const late = setTimeout(() => {
      reject(new Error('the reaper does not answer'))
      this.kill()
    }, withinMs)
    this.#endings.set(group, { resolve, reject })
    this.#wake()
    if (this.#closed) reject(new Error('the reaper is gone'))
    else this.#send('reaper.end', { group })
    return promise.finally(() => {
      clearTimeout(late)
      this.#endings.delete(group)
    })
  }

  /** Lets it go: what it still watches is ended by it. */
  close(): void {
    this.#line?.destroy()
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #wake(): void {
    this.#child.kill('SIGCONT')
  }

  #send<Name extends Extract<MessageName, `reaper.${string}`>>(name: Name, value: RequestOf<Name>): void {
    if (!this.#closed) this.#line?.write(encodeRequest(name, value))
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame)
    } catch {
      this.kill()
    }
  }

  #handle(frame: Frame): void {
    if (frame.version !== protocolVersion) throw new Error('another version')
    if (frame.id === (messages['reaper.live'].id | replyBit)) {
      this.#unanswered = 0
      this.#onWatched(decodeReply('reaper.live', frame.body).watched)
    } else if (frame.id === (messages['reaper.end'].id | replyBit)) {
      const { group, left } = decodeReply('reaper.end', frame.body)
      this.#endings.get(group)?.resolve(left)
    }
  }
}
