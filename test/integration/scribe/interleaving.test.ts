import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { VaultItem } from '../../../src/platform/vault/item.ts'
import {
  adopt,
  bundledInFreshHomes,
  home,
  pendingItems,
  program,
  read,
  restore,
  write,
} from './scribe-fixture.ts'

/** The real kubectl writes the same file all the while. */

bundledInFreshHomes()

const token = 'token-that-must-not-be-lost'
const text = `apiVersion: v1
kind: Config
contexts:
- context:
    user: alice
  name: dev
users:
- name: alice
  user:
    token: ${token}
`

/** @returns the contexts that kubectl says it wrote; it fails where the file is locked at that moment */
async function writeContexts(path: string, prefix: string, until: () => boolean): Promise<string[]> {
  const written: string[] = []
  for (let index = 0; !until(); index += 1) {
    const name = `${prefix}-${index}`
    try {
      await promisify(execFile)('kubectl', [
        'config',
        '--kubeconfig',
        path,
        'set-context',
        name,
        '--user=alice',
      ])
      written.push(name)
    } catch (error) {
      expect(String((error as { stderr: string }).stderr)).toContain('file exists')
    }
  }
  return written
}

/** What the user proves itself with: in the file, or by a credential that the vault has. */
async function credentialSafe(path: string): Promise<boolean> {
  const { user } = parse(read(path)).users[0]
  if (user.token === token) return true
  const args: string[] = user.exec.args
  return (await pendingItems(home)).some((item) => item.id === args.at(-1) && item.token === token)
}

test('kubectl’s own edits survive adopt and restore, and the file is always whole', async () => {
  const path = write(join(home.kube, 'config'), text)
  const giveUpAt = performance.now() + 30_000
  let done = false
  const kubectl = writeContexts(path, 'written', () => done)
  let [adopted, restored] = [0, 0]
  let items: VaultItem[] = []
  while (Math.min(adopted, restored) < 8 && performance.now() < giveUpAt) {
    adopted += (await adopt(program, home, [path])).adopted.length
    items = await pendingItems(home)
    expect(items).toMatchObject([{ token }])
    restored += (await restore(program, home, items)).filter(({ ok }) => ok).length
  }
  done = true
  const written = await kubectl
  const config = parse(read(path)) as { contexts: { name: string }[] }
  const names = config.contexts.map(({ name }) => name)
  expect(names).toContain('dev')
  expect(written.filter((name) => !names.includes(name))).toEqual([])
  expect(await credentialSafe(path)).toBe(true)
  expect(readdirSync(home.kube)).toEqual(['config'])
  expect(written.length).toBeGreaterThan(5)
  expect(adopted).toBeGreaterThan(5)
  expect(restored).toBeGreaterThan(5)
})

test('many scribes at once leave one whole file', async () => {
  const path = write(join(home.kube, 'config'), text)
  const reports = await Promise.all(Array.from({ length: 6 }, () => adopt(program, home, [path])))
  expect(reports.flatMap(({ adopted }) => adopted).length).toBeGreaterThanOrEqual(1)
  expect(parse(read(path)).users[0].user).toHaveProperty('exec')
  const items = await pendingItems(home)
  expect(items).toMatchObject([{ token }])
  const results = await Promise.all(Array.from({ length: 6 }, () => restore(program, home, items)))
  expect(results.flat().every(({ ok }) => ok)).toBe(true)
  expect(read(path)).toBe(text)
  expect(readdirSync(home.kube)).toEqual(['config'])
})
