import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { unprivilegedAccounts } from '../../fixtures/accounts.ts'
import { reaches, sessionOf } from '../../fixtures/held-home.ts'
import { makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { Machine } from '../../fixtures/machine.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'

/** Accounts and mount namespaces can be had by root alone. */
export const isRoot = process.getuid?.() === 0

export interface Ground {
  readonly home: TestHome
  readonly machine: Machine
}

/** One machine with an adopted playground for all tests of a file; made where they run. */
export function groundForAll({
  buses,
  rules,
}: {
  buses: boolean
  rules: Parameters<typeof writePolicy>[1]
}): Ground {
  const found: { home?: TestHome; machine?: Machine } = {}
  const removals: (() => void)[] = []
  beforeAll(async () => {
    const { own } = unprivilegedAccounts((remove) => removals.push(remove))
    if (own === undefined) throw new Error('run this as root: it makes a throw-away account')
    const machine = (found.machine = await Machine.start(own, { buses }))
    const home = (found.home = makeHome({ machine }))
    writePolicy(home, rules)
    await home.startPlayground()
    await home.init()
  })
  afterAll(async () => {
    await found.home?.dispose()
    await found.machine?.[Symbol.asyncDispose]()
    for (const remove of removals) remove()
  })
  return {
    get home() {
      return found.home as TestHome
    },
    get machine() {
      return found.machine as Machine
    },
  }
}

/** Opens the session; resolves when its daemon listens, and sleep waits for it. */
export async function openAndListen({ home, machine }: Ground): Promise<void> {
  await home.unlock('default')
  await until('sleep to wait', async () => (await machine.inhibitors()).includes('"kubeguard"'), {
    now: () => readFileSync(join(home.guardHome, 'state', 'log', 'daemon.log'), 'utf8'),
  })
}

export async function expectLock({ home }: Ground, reason: string): Promise<void> {
  expect((await reaches(home, 'locked', 60_000)).lockReason).toBe(reason)
}

export async function expectOpen({ home }: Ground): Promise<void> {
  expect((await sessionOf(home)).state).toBe('unlocked')
}
