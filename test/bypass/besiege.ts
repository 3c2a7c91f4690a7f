import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BypassCase } from './bypass-case.ts'
import type { matrix } from './matrix.ts'
import { laySiege } from './siege.ts'
import type { Siege } from './siege.ts'

let siege: Siege

beforeAll(async () => {
  siege = await laySiege()
})

afterAll(() => siege.lift())

async function openAll(): Promise<void> {
  await siege.home.unlock('default')
  await siege.home.unlock('prod')
}

/** While unlocked first, so that a case that could never work does not count as one that was held off. */
async function check({ name, whileUnlocked, attempt }: BypassCase): Promise<void> {
  if (whileUnlocked !== 'own') {
    await openAll()
    expect(await attempt(siege), `${name}, while unlocked`).toBe(whileUnlocked === 'works')
  }
  await siege.home.lock()
  expect(await attempt(siege), `${name}, while locked`).toBe(false)
}

/** Registers the tests of these cases, on the ground that was chosen; reported as skipped where it can't have them. */
export function besiege(cases: typeof matrix, isOutOfReach = false): void {
  const groupOf = isOutOfReach ? describe.skip : describe
  for (const [group, ones] of Object.entries(cases)) {
    groupOf(group, { retry: 0 }, () => {
      for (const one of ones) test(one.name, () => check(one))
    })
  }
}
