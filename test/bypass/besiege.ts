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

const lockAll = async (): Promise<void> => void (await siege.home.lock())

/** One that something was too slow for was not tried at all, and is once more; one that got through never is. */
async function gotThrough({ attempt }: BypassCase, prepare: () => Promise<void>): Promise<boolean> {
  await prepare()
  try {
    return await attempt(siege)
  } catch (error) {
    if (!(error as Error).message.startsWith('not in time')) throw error
    console.log(`bypass: ${(error as Error).message.split('\n')[0]}: once more`)
    await prepare()
    return attempt(siege)
  }
}

/** While unlocked first, so that a case that could never work does not count as one that was held off. */
async function check(one: BypassCase): Promise<void> {
  const { name, whileUnlocked } = one
  if (whileUnlocked !== 'own')
    expect(await gotThrough(one, openAll), `${name}, while unlocked`).toBe(whileUnlocked === 'works')
  expect(await gotThrough(one, lockAll), `${name}, while locked`).toBe(false)
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
