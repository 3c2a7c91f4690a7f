import { randomBytes, scrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { passphrase } from '../fixtures/home.ts'
import { personIn } from '../fixtures/person.ts'
import { repository } from '../fixtures/terminal.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

const policy = 'default'
const kubeguard = join(repository, 'bin', 'kubeguard')

/**
 * An unlock by passphrase, less what making the key of it takes by itself: from a person's Enter to the next prompt, while
 * the keeper has started behind the typing; and a script's whole command, which waits for client and keeper to start.
 */
export async function unlockFigures({ home }: Bench): Promise<Figure[]> {
  const deriveKey = keyMaker(join(home.guardHome, 'state', 'vaults', policy, 'identity.age'))
  using shell = await personIn(home)
  const byPerson = async (): Promise<number> => {
    await home.lock(policy)
    await shell.answer(`${kubeguard} unlock ${policy}; echo "code"=$?`, /passphrase for \S+: $/)
    const startedAt = performance.now()
    await shell.answer(passphrase, 'code=0')
    return performance.now() - startedAt
  }
  const byScript = async (): Promise<number> => {
    await home.lock(policy)
    const startedAt = performance.now()
    await home.unlock(policy)
    return performance.now() - startedAt
  }
  const person = await compare(byPerson, deriveKey, { rounds: 10 })
  const script = await compare(byScript, deriveKey, { rounds: 10 })
  return [
    figure('unlock by passphrase, from Enter on, beside making the key of it', person),
    figure('unlock by a script, the whole command, beside making the key of it', script),
  ]
}

function figure(name: string, { a, b, rounds }: { a: number; b: number; rounds: number }): Figure {
  return {
    name,
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
