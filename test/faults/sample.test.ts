import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { unprivilegedAccounts } from '../fixtures/accounts.ts'
import { damage, damaged } from './damage.ts'
import type { Case } from './rounds.ts'
import { tryCase } from './rounds.ts'
import { buildInjector, Stage } from './stage.ts'

/** A few of what `npm run faults` tries: a point of each fault, and each program that is killed there. */
const sample: readonly Case[] = [
  { operation: 'eject', program: 'scribe', fault: 'kill', nth: 15 },
  { operation: 'adopt', program: 'scribe', fault: 'ENOSPC', nth: 8 },
  { operation: 'unlock', program: 'keeper', fault: 'kill', nth: 20 },
  { operation: 'lock', program: 'daemon', fault: 'kill', nth: 4 },
  { operation: 'lock, materialised', program: 'scribe', fault: 'EIO', nth: 6 },
  { operation: 'passwd', program: 'keeper', fault: 'EROFS', nth: 12 },
]

const atEnd: (() => void)[] = []
let injector: string
let stage: Stage

beforeAll(async () => {
  const { own } = unprivilegedAccounts((remove) => void atEnd.push(remove))
  injector = buildInjector()
  stage = await Stage.make(injector, own)
})
afterAll(async () => {
  await stage.dispose()
  for (const remove of atEnd) remove()
  rmSync(dirname(injector), { recursive: true })
})

test.each(sample)('$operation: $program, $fault at $nth', async (one) => {
  expect(await tryCase(stage, one)).toMatchObject({ met: true, wrong: [] })
})

const seed = 20_261_201

test.each(damaged)(`a damaged %s is said, and opens again once it is mended (seed ${seed})`, async (kind) => {
  const { said, wrong } = await damage(kind, seed, 12)
  expect(wrong).toEqual([])
  expect(said).toBeGreaterThan(0)
})
