import type { Ancestor } from '../domain/holder.ts'
import { clientKey } from '../usecases/guarded-session.ts'
import type { Voucher } from '../usecases/ports.ts'

interface World {
  /** Now, in ms of a clock that counts suspended time. */
  readonly bootMs: () => number
  /** The client that a plugin asks for, as the daemon would find it; undefined where it would refuse. */
  readonly holderOf: (pluginPid: number) => Ancestor | undefined
}

/** More are never on their way at once; the oldest gives way. */
const mostVouchers = 256
/** From the gate to the plugin a kubectl takes some 10 ms; this is for a machine that swaps. */
const validMs = 10_000

/**
 * For whom the daemon has vouched: clients that it let through and recorded. Each may have one credential, once,
 * and soon, through a plugin that is its own. Whoever asks is looked at anew, with the rules that the daemon has.
 */
export class Vouchers {
  readonly #world: World
  #untilBootMs: Map<string, number> | undefined = new Map()

  constructor(world: World) {
    this.#world = world
  }

  add({ client, credential }: Voucher): void {
    const known = this.#untilBootMs
    if (known === undefined) return
    const key = keyOf(client, credential)
    // Anew at the end: the order is that of time.
    known.delete(key)
    known.set(key, this.#world.bootMs() + validMs)
    const oldest = known.keys().next().value
    if (known.size > mostVouchers && oldest !== undefined) known.delete(oldest)
  }

  /** Spends the voucher of the client that this plugin asks for. @returns that client; undefined for none vouched for */
  take(pluginPid: number, credential: string): Ancestor | undefined {
    const known = this.#untilBootMs
    if (known === undefined || known.size === 0) return undefined
    const client = this.#world.holderOf(pluginPid)
    if (client === undefined) return undefined
    const key = keyOf(client, credential)
    const untilBootMs = known.get(key)
    known.delete(key)
    return untilBootMs !== undefined && this.#world.bootMs() < untilBootMs ? client : undefined
  }

  /** Nobody is vouched for any more, for good: the session is not open to everybody any longer. */
  end(): void {
    this.#untilBootMs = undefined
  }
}

const keyOf = (client: Voucher['client'], credential: string): string => `${clientKey(client)}:${credential}`
