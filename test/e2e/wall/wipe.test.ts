import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { guardedHome, sessionOf } from '../../fixtures/held-home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { tokenCacheFiles, writeFiles } from '../../fixtures/token-caches.ts'
import { daemonOf, kill } from '../daemon/daemon-home.ts'

const rules = (wipe: string) => ({ idle: '10m', more: `    wipe: [${wipe}]\n` })

const ssoFiles = tokenCacheFiles['aws-sso']
const isCached = (home: TestHome): boolean =>
  Object.keys(ssoFiles).some((name) => existsSync(join(home.home, name)))
const traces = (home: TestHome): string[] => {
  const folder = join(home.guardHome, 'state', 'traces')
  return existsSync(folder) ? readdirSync(folder) : []
}

async function journalled(home: TestHome, event: string): Promise<{ details: Record<string, unknown> }[]> {
  const { stdout } = await home.kubeguard(['log', '--event', event, '--json'])
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { details: Record<string, unknown> })
}

test('a lock wipes what the policy names, and says so in the journal', async () => {
  await using home = await guardedHome(rules('aws-sso'))
  await home.unlock()
  writeFiles(home.home, ssoFiles)
  expect(isCached(home)).toBe(true)
  await home.lock()
  expect([isCached(home), traces(home)]).toEqual([false, []])
  expect(await journalled(home, 'swept')).toMatchObject([
    { policy: 'default', details: { files: 2, failed: 0 } },
  ])
})

test('the lock of another policy leaves it alone, and one that was never opened', async () => {
  await using home = await guardedHome({ idle: '10m' })
  writePolicy(home, rules('aws-sso'))
  writeFiles(home.home, ssoFiles)
  await home.lock('prod')
  expect(isCached(home)).toBe(true)
  await home.unlock('prod')
  await home.lock('default')
  expect(isCached(home)).toBe(true)
  await home.lock('prod')
  expect(isCached(home)).toBe(false)
})

test('what can’t be wiped is said by lock, status and journal, and the session is locked all the same', async () => {
  await using home = await guardedHome(rules('aws-sso'))
  await home.unlock()
  writeFiles(home.home, ssoFiles)
  writeFileSync(join(home.home, 'precious'), 'precious')
  symlinkSync(join(home.home, 'precious'), join(home.home, '.aws/sso/cache/link'))
  const lock = await home.kubeguard(['lock'])
  expect(lock).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('link is a link, which is not followed'),
  })
  expect([isCached(home), existsSync(join(home.home, 'precious'))]).toEqual([false, true])
  expect(await sessionOf(home)).toMatchObject({ state: 'locked' })
  expect((await home.kubeguard(['status'])).stdout).toContain('which is not followed')
  expect(await journalled(home, 'lock-incomplete')).toHaveLength(1)
})

test('after a crash the next daemon wipes what was left, and `kubeguard sweep` starts one', async () => {
  await using home = await guardedHome(rules('aws-sso'))
  await home.unlock()
  writeFiles(home.home, ssoFiles)
  await kill(await daemonOf(home))
  await home.kubeguard(['sweep'])
  await until('an empty cache', () => !isCached(home) && traces(home).length === 0)
})

test('a login made while no daemon ran is no leftover', async () => {
  await using home = await guardedHome(rules('aws-sso'))
  await home.unlock()
  await home.kubeguard(['daemon', 'stop'])
  writeFiles(home.home, ssoFiles)
  await home.kubeguard(['daemon', 'start'])
  await home.unlock()
  expect(isCached(home)).toBe(true)
})

test('`kubeguard sweep` wipes at a word what a locked policy names', async () => {
  await using home = await guardedHome(rules('aws-sso'))
  writeFiles(home.home, ssoFiles)
  const { code, stdout } = await home.kubeguard(['sweep'])
  expect([code, stdout.trim().split('\n').toSorted(), isCached(home)]).toEqual([
    0,
    Object.keys(ssoFiles)
      .map((name) => join(home.home, name))
      .toSorted(),
    false,
  ])
})
