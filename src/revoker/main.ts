import { hardenProcess } from '../hardening/harden-process.ts'
import { revokeAtEnd } from './revoke-at-end.ts'

/** From the lock on it may live for so long. */
const longestMs = 5_000

/** What goes wrong is told by its code: a text could quote the token. */
function fail(error: unknown): never {
  const { name, code } = error as NodeJS.ErrnoException
  process.stderr.write(`revoker: the token was not taken back: ${code ?? name}\n`)
  process.exit(1)
}

process.on('uncaughtException', fail)
// A service that is stopped signals all of its processes: this one ends by itself, soon after its keeper.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
hardenProcess()
process.stdout.write('ready\n')
revokeAtEnd(process.stdin, () => void setTimeout(() => fail({ code: 'ETIMEDOUT' }), longestMs)).then(
  () => process.exit(0),
  fail,
)
