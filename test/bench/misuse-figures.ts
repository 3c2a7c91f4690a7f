import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { writePolicy } from '../fixtures/policy.ts'
import { node } from '../fixtures/terminal.ts'
import { prepare } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { echoServer, startClient } from './gate-figure.ts'
import { checksPerRound } from './gate-round.ts'
import { compare } from './measure.ts'

const triesBeforeLockOut = 3
const rounds = 20

interface Seen {
  readonly guesses: number
  readonly wrong: number
  readonly opened: number
  readonly lockedOut: number
}

/**
 * A script guesses one policy's passphrase without a pause, a thousand times and more: how fast is the gate of another
 * meanwhile, over its rate while the script stands still? Apart from the other figures: it ends in a lock-out.
 */
export async function misuseFigures(): Promise<Figure[]> {
  const bench = await prepare()
  const { home } = bench
  try {
    writePolicy(home, { idle: '1h', more: `    lockOutAfter: ${triesBeforeLockOut}\n    lockOutFor: 1h\n` })
    await home.lock('prod')
    const guesser = spawn(node, [join(import.meta.dirname, 'guesser.ts'), 'prod'], {
      env: home.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: guesser.stdout })[Symbol.asyncIterator]()
    if ((await lines.next()).value !== 'ready') throw new Error('the script ended')
    const client = await startClient(bench, await echoServer(bench))
    const { a, b } = await compare(
      async () => {
        guesser.kill('SIGCONT')
        await client.round('daemon')
      },
      async () => {
        guesser.kill('SIGSTOP')
        await client.round('daemon')
      },
      { rounds },
    )
    guesser.kill('SIGCONT')
    guesser.stdin.end()
    const seen = JSON.parse(String((await lines.next()).value)) as Seen
    await Promise.all([client.end(), once(guesser, 'close')])
    return figuresOf(seen, checksPerRound * 1_000, { a, b })
  } finally {
    await home.dispose()
  }
}

function figuresOf(seen: Seen, checksMs: number, { a, b }: { a: number; b: number }): Figure[] {
  const usual = checksMs / b
  const guesses = { name: 'wrong passphrases by the script', value: seen.guesses, unit: '' }
  return [
    {
      name: 'gate checks while a script guesses passphrases',
      value: checksMs / a / usual,
      unit: '× the usual rate',
      baseline: { name: 'while it stands still', value: usual, unit: '/s' },
      target: 0.5,
      better: 'at least',
      rounds,
    },
    {
      name: 'sessions opened by it',
      value: seen.opened,
      unit: '',
      baseline: guesses,
      target: 0,
      better: 'at most',
      rounds: 1,
    },
    {
      name: 'guesses that it had before the lock-out',
      value: seen.wrong,
      unit: '',
      baseline: { ...guesses, name: 'refused by the lock-out', value: seen.lockedOut },
      target: triesBeforeLockOut,
      better: 'at most',
      rounds: 1,
    },
  ]
}
