import { hardenProcess } from '../hardening/harden-process.ts'
import type { RevocationOrder } from '../platform/revoker/start-revoker.ts'
import { ordersAtEnd } from './revoke-at-end.ts'

/** What goes wrong is told by its code: a text could quote the token. */
function complain(error: unknown, what = 'the session'): void {
  const { name, code } = error as NodeJS.ErrnoException
  process.stderr.write(`revoker: ${what} was not revoked: ${code ?? name}\n`)
}

function fail(error: unknown): never {
  complain(error)
  process.exit(1)
}

/** What the other kind needs is never loaded. */
async function revoke(order: RevocationOrder): Promise<boolean> {
  try {
    if (order.kind === 'provider') await (await import('./revoke-token.ts')).revokeToken(order)
    else await (await import('./revoke-session.ts')).revokeSession(order)
    return true
  } catch (error) {
    complain(error, order.kind === 'cluster' ? order.name : 'a token')
    return false
  }
}

process.on('uncaughtException', fail)
// A service that is stopped signals all of its processes: this one ends by itself, soon after its keeper.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
hardenProcess()
process.stdout.write('ready\n')
ordersAtEnd(process.stdin)
  .then((orders) => Promise.all(orders.map(revoke)))
  .then((all) => process.exit(all.includes(false) ? 1 : 0), fail)
