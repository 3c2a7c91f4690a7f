import { randomBytes, scrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

const policy = 'default'

/** An unlock by passphrase, from the command's start to its end, less what making the key of it takes by itself. */
export async function unlockFigure({ home }: Bench): Promise<Figure> {
  const deriveKey = keyMaker(join(home.guardHome, 'state', 'vaults', policy, 'identity.age'))
  const { a, b, rounds } = await compare(
    async () => {
      await home.lock(policy)
      const startedAt = performance.now()
      await home.unlock(policy)
      return performance.now() - startedAt
    },
    deriveKey,
    { rounds: 15 },
  )
  return {
    name: 'unlock by passphrase, beside making the key of it',
    value: a - b,
    unit: 'ms',
    baseline: { name: 'the same scrypt alone', value: b, unit: 'ms' },
    target: 150,
    better: 'at most',
    rounds,
  }
}

/** With as much work as the vault's own file asks for (age-encryption.org/v1, "The scrypt recipient type"). */
function keyMaker(identity: string): () => Promise<void> {
  const logN = Number(/^-> scrypt \S+ (\d+)$/m.exec(readFileSync(identity, 'latin1'))?.[1])
  if (!Number.isInteger(logN)) throw new Error('the vault’s file does not say how much work it asks for')
  const make = promisify<Buffer, Buffer, number, object, Buffer>(scrypt)
  const [word, salt] = [randomBytes(16), randomBytes(16)]
  return async () => void (await make(word, salt, 32, { N: 2 ** logN, r: 8, p: 1, maxmem: 2 ** logN * 2048 }))
}
