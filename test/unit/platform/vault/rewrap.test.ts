import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createVaults } from '../../../../src/platform/vault/create-vault.ts'
import { openVault } from '../../../../src/platform/vault/open-vault.ts'
import { recoverRewrap, rewrapVaults } from '../../../../src/platform/vault/rewrap.ts'
import { sealPending } from '../../../../src/platform/vault/seal-pending.ts'
import { cheapLogN, makeItem, makeVaultsDir } from './make-vault.ts'

const passphrase = Buffer.from('old one')
const newPassphrase = Buffer.from('new one')
const policies = ['default', 'prod']

async function makeVaults(): Promise<string> {
  const vaultsDir = makeVaultsDir()
  await createVaults({ vaultsDir, policies, passphrase, logN: cheapLogN })
  await sealPending(vaultsDir, makeItem())
  return vaultsDir
}

const opens = (vaultsDir: string, policy: string, attempt: Buffer): Promise<boolean> =>
  openVault(vaultsDir, policy, attempt).then(
    () => true,
    () => false,
  )

const refusedAs = (code: string) => expect.objectContaining({ name: 'GuardError', code })

test('the new passphrase opens every vault, the old one none, and nothing is lost', async () => {
  const vaultsDir = await makeVaults()
  const done = await rewrapVaults({ vaultsDir, passphrase, newPassphrase, logN: cheapLogN })
  expect(done).toEqual({ policies })
  for (const policy of policies) expect(await opens(vaultsDir, policy, passphrase)).toBe(false)
  expect((await openVault(vaultsDir, 'prod', newPassphrase)).items).toEqual([makeItem()])
  expect(await opens(vaultsDir, 'default', newPassphrase)).toBe(true)
})

test('a wrong passphrase or one damaged vault changes none', async () => {
  const vaultsDir = await makeVaults()
  const wrong = { vaultsDir, passphrase: newPassphrase, newPassphrase, logN: cheapLogN }
  await expect(rewrapVaults(wrong)).rejects.toEqual(refusedAs('wrong-passphrase'))
  const path = join(vaultsDir, 'prod', 'identity.age')
  const whole = readFileSync(path)
  writeFileSync(path, whole.subarray(0, -1))
  await expect(rewrapVaults({ ...wrong, passphrase })).rejects.toEqual(refusedAs('vault-damaged'))
  writeFileSync(path, whole)
  for (const policy of policies) expect(await opens(vaultsDir, policy, passphrase)).toBe(true)
})

test('an empty new passphrase is refused, and so is a change where there is nothing to change', async () => {
  const vaultsDir = makeVaultsDir()
  const order = { vaultsDir, passphrase, newPassphrase, logN: cheapLogN }
  await expect(rewrapVaults(order)).rejects.toEqual(refusedAs('vault-missing'))
  await expect(rewrapVaults({ ...order, newPassphrase: Buffer.alloc(0) })).rejects.toEqual(refusedAs('usage'))
})

/** The state between two steps of a change: new files from a finished change put back beside the old ones. */
async function interrupted(options: { committed: boolean; renamed: readonly string[] }): Promise<string> {
  const vaultsDir = await makeVaults()
  const finished = `${vaultsDir}-finished`
  cpSync(vaultsDir, finished, { recursive: true })
  await rewrapVaults({ vaultsDir: finished, passphrase, newPassphrase, logN: cheapLogN })
  for (const policy of policies) {
    const name = options.renamed.includes(policy) ? 'identity.age' : 'identity.age.next'
    cpSync(join(finished, policy, 'identity.age'), join(vaultsDir, policy, name))
  }
  const marker = join(vaultsDir, '.rewrap-commit')
  if (options.committed) writeFileSync(marker, JSON.stringify({ version: 1, policies }), { mode: 0o600 })
  rmSync(finished, { recursive: true })
  return vaultsDir
}

test.each([
  { committed: false, renamed: [], holds: passphrase },
  { committed: true, renamed: [], holds: newPassphrase },
  { committed: true, renamed: ['default'], holds: newPassphrase },
  { committed: true, renamed: policies, holds: newPassphrase },
])('recovery: committed $committed, renamed $renamed', async ({ holds, ...state }) => {
  const vaultsDir = await interrupted(state)
  await recoverRewrap(vaultsDir)
  for (const policy of policies) {
    expect(await opens(vaultsDir, policy, holds)).toBe(true)
    expect(existsSync(join(vaultsDir, policy, 'identity.age.next'))).toBe(false)
  }
  expect(existsSync(join(vaultsDir, '.rewrap-commit'))).toBe(false)
})

test('an unlock recovers by itself', async () => {
  const vaultsDir = await interrupted({ committed: true, renamed: ['default'] })
  expect(await opens(vaultsDir, 'prod', newPassphrase)).toBe(true)
})

test('a marker that can’t be read stops everything rather than half', async () => {
  const vaultsDir = await interrupted({ committed: false, renamed: [] })
  writeFileSync(join(vaultsDir, '.rewrap-commit'), '{', { mode: 0o600 })
  await expect(recoverRewrap(vaultsDir)).rejects.toEqual(refusedAs('vault-damaged'))
  expect(existsSync(join(vaultsDir, 'prod', 'identity.age.next'))).toBe(true)
})
