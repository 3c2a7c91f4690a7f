import type { Readable } from 'node:stream'
import type { RevocationOrder } from '../platform/revoker/start-revoker.ts'

/** Tokens and their surroundings are far below this. */
const mostBytes = 1024 * 1024
const mostOrders = 1_000

/**
 * Reads what is to be revoked, until the keeper at the other end of the pipe is gone.
 *
 * @returns the last order of each key
 * @throws Error E2BIG
 */
export async function ordersAtEnd(input: Readable): Promise<readonly RevocationOrder[]> {
  const orders = new Map<string, RevocationOrder>()
  let rest = ''
  for await (const chunk of input) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > mostBytes) throw tooLong()
    for (const line of lines) {
      const order = JSON.parse(line) as RevocationOrder
      orders.set(order.key, order)
    }
    if (orders.size > mostOrders) throw tooLong()
  }
  return [...orders.values()]
}

const tooLong = (): Error => Object.assign(new Error('too long'), { code: 'E2BIG' })
