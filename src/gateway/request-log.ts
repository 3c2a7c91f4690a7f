import { describeCall } from '../domain/api-call.ts'
import type { ApiCall } from '../domain/api-call.ts'
import type { RequestOf } from '../protocol/messages.ts'
import { Bucket } from './bucket.ts'
import type { Pass } from './passes.ts'

/** One entry of the journal of requests. */
export type RequestRecord = RequestOf<'gateway.request'>

/** What is longer under way is said at once, and again at its end: a lock ends it without another word. */
const longMs = 1_000
/** Alike reads of one program within this time are one entry. */
const alikeMs = 60_000
const mostAlike = 1_000
const longestKnown = 500

interface World {
  /** A clock that nobody sets, in ms. */
  readonly nowMs: () => number
  /** @throws where it can't be told now */
  readonly tell: (record: RequestRecord) => void
}

/** What is counted of a request while it is under way. */
export interface Logged {
  sent: number
  received: number
  code: number | undefined
  /** Once, when it has ended. */
  over(): void
}

interface Alike {
  readonly first: RequestRecord
  sinceMs: number
  times: number
  sent: number
  received: number
}

interface Asked {
  readonly method: string
  readonly target: string
  readonly isUpgrade?: boolean
}

interface Open extends Logged, Pick<ApiCall, 'isChange'> {
  readonly beganMs: number
  /** By which it was told when it began; undefined where nobody waits to hear of it. */
  number: number | undefined
  /** As it is by now. */
  readonly record: () => RequestRecord
}

/**
 * Tells the journal what has gone through: each change and each stream; of reads, which pollers repeat without end, one entry
 * a minute for those that are alike. What is too much all the same is counted, and the next entry says so.
 */
export class RequestLog {
  readonly #world: World
  readonly #changes: Bucket
  readonly #reads: Bucket
  readonly #alike = new Map<string, Alike>()
  readonly #calls = new Map<string, ApiCall>()
  /** In the order in which they began. */
  readonly #young = new Set<Open>()
  readonly #begun: Bucket
  #lastNumber = 0
  #leftOut = 0
  #youngTimer: NodeJS.Timeout | undefined
  #alikeTimer: NodeJS.Timeout | undefined

  constructor(world: World) {
    this.#world = world
    this.#changes = new Bucket({ most: 400, perSecond: 20 }, world.nowMs)
    this.#reads = new Bucket({ most: 200, perSecond: 5 }, world.nowMs)
    this.#begun = new Bucket({ most: 400, perSecond: 25 }, world.nowMs)
  }

  begin(request: Asked, client: Pick<Pass, 'client' | 'program'>): Logged {
    const call = this.#describe(request)
    const open = this.#open(call, client)
    this.#tellBegun(open)
    this.#young.add(open)
    if (this.#youngTimer === undefined) this.#lookIn(longMs)
    return open
  }

  /** Clients ask for the same again and again. */
  #describe({ method, target, isUpgrade = false }: Asked): ApiCall {
    const key = `${isUpgrade} ${method} ${target}`
    const known = this.#calls.get(key)
    if (known !== undefined) return known
    const call = describeCall(method, target, isUpgrade)
    if (this.#calls.size >= mostAlike) this.#calls.clear()
    if (key.length <= longestKnown) this.#calls.set(key, call)
    return call
  }

  /** What the gateway refuses itself. @param client undefined for one without a valid pass */
  refused(request: Asked, client: Pick<Pass, 'client' | 'program'> | undefined, code: number): void {
    const logged = this.#open(this.#describe(request), client)
    logged.code = code
    logged.over()
  }

  #open({ isChange, ...about }: ApiCall, client: Pick<Pass, 'client' | 'program'> | undefined): Open {
    const beganMs = this.#world.nowMs()
    const program = client?.program ?? ''
    const pid = client?.client.pid ?? 0
    const open: Open = {
      beganMs,
      sent: 0,
      received: 0,
      code: undefined,
      number: undefined,
      isChange,
      record: () => {
        const { sent, received, code, number } = open
        return { ...about, program, pid, code, sent, received, ...(number !== undefined && { number }) }
      },
      over: () => {
        this.#young.delete(open)
        const durationMs = Math.round(this.#world.nowMs() - beganMs)
        if (!this.#note(open, { ...open.record(), durationMs })) this.#tellOver(open)
      },
    }
    return open
  }

  /** A lock ends gateway and keeper without another word: who hears this knows of what it cut. */
  #tellBegun(open: Open): void {
    if (!this.#begun.take()) return
    try {
      const number = this.#lastNumber + 1
      this.#world.tell({ ...open.record(), number, phase: 'begun' })
      this.#lastNumber = number
      open.number = number
    } catch {
      // Its end is told, as long as somebody listens.
    }
  }

  /** It ended, and is counted among others that are alike. */
  #tellOver(open: Open): void {
    if (open.number === undefined) return
    try {
      this.#world.tell({ ...open.record(), phase: 'over' })
    } catch {
      // Nobody listens any more.
    }
  }

  #lookIn(ms: number): void {
    this.#youngTimer = setTimeout(() => this.#lookAtYoung(), ms).unref()
  }

  #lookAtYoung(): void {
    this.#youngTimer = undefined
    for (const open of this.#young) {
      const age = this.#world.nowMs() - open.beganMs
      if (age < longMs) {
        return this.#lookIn(longMs - age)
      }
      this.#young.delete(open)
      if (this.#note(open, open.record())) open.number = undefined
    }
  }

  /** @returns whether it has an entry of its own */
  #note({ isChange }: Pick<ApiCall, 'isChange'>, record: RequestRecord): boolean {
    const isRefused = record.code === 401 || record.code === 403
    if (isChange && !isRefused) return this.#tell(record, this.#changes)
    const { program, verb, resource, namespace, name, code, durationMs } = record
    const key = JSON.stringify([program, verb, resource, namespace, name, code, durationMs === undefined])
    const before = this.#alike.get(key)
    if (before === undefined) {
      if (this.#alike.size < mostAlike) this.#remember(key, record)
      return this.#tell(record, this.#reads)
    }
    before.times += 1
    before.sent += record.sent
    before.received += record.received
    return false
  }

  #remember(key: string, first: RequestRecord): void {
    this.#alike.set(key, { first, sinceMs: this.#world.nowMs(), times: 0, sent: 0, received: 0 })
    this.#alikeTimer ??= setInterval(() => this.#tellAlike(), alikeMs / 4).unref()
  }

  #tellAlike(): void {
    const now = this.#world.nowMs()
    for (const [key, alike] of this.#alike) {
      if (now - alike.sinceMs < alikeMs) continue
      const { first, times, sent, received } = alike
      if (times === 0) this.#alike.delete(key)
      else {
        this.#tell({ ...first, sent, received, number: undefined, durationMs: undefined, times }, this.#reads)
        Object.assign(alike, { sinceMs: now, times: 0, sent: 0, received: 0 })
      }
    }
    if (this.#alike.size > 0) return
    clearInterval(this.#alikeTimer)
    this.#alikeTimer = undefined
  }

  #tell(record: RequestRecord, bucket: Bucket): boolean {
    const leftOut = this.#leftOut
    try {
      if (!bucket.take()) throw new Error('too much')
      this.#world.tell(leftOut === 0 ? record : { ...record, leftOut })
      this.#leftOut -= leftOut
      return true
    } catch {
      this.#leftOut += record.times ?? 1
      return false
    }
  }
}
