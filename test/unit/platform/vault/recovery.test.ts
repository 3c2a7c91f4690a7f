import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createVaults } from '../../../../src/platform/vault/create-vault.ts'
import { openVault } from '../../../../src/platform/vault/open-vault.ts'
import { recoverRewrap, rewrapVaults } from '../../../../src/platform/vault/rewrap.ts'
import { sealPending } from '../../../../src/platform/vault/seal-pending.ts'
import { cheapLogN, makeItem, makeVaultsDir } from './make-vault.ts'

const passphrase = Buffer.from('old one')
const newPassphrase = Buffer.from('new one')
const refusedAs = (code: string) => expect.objectContaining({ name: 'GuardError', code })

async function makeVaults(): Promise<string> {
  const vaultsDir = makeVaultsDir()
  await createVaults({ vaultsDir, policies: ['default', 'prod'], passphrase, logN: cheapLogN })
  await sealPending(vaultsDir, makeItem())
  return vaultsDir
}

async function makeKey(vaultsDir: string, given = passphrase): Promise<Buffer> {
  const order = { vaultsDir, passphrase: given, newPassphrase: given, withRecoveryKey: true, logN: cheapLogN }
  const { recoveryKey = '' } = await rewrapVaults(order)
  expect(recoveryKey).toMatch(/^AGE-SECRET-KEY-1[0-9A-Z]{58}$/)
  return Buffer.from(recoveryKey)
}

const opensBy = (vaultsDir: string, policy: string, key: Buffer) =>
  openVault(vaultsDir, policy, key, 'recovery').then(
    ({ items }) => items.length,
    ({ code }) => code,
  )

test('the recovery key opens every vault, beside the passphrase, however it is spelled', async () => {
  const vaultsDir = await makeVaults()
  const key = await makeKey(vaultsDir)
  expect(await opensBy(vaultsDir, 'prod', key)).toBe(1)
  expect(await opensBy(vaultsDir, 'default', Buffer.from(` ${key.toString().toLowerCase()}\n`))).toBe(0)
  expect((await openVault(vaultsDir, 'prod', passphrase)).items).toEqual([makeItem()])
})

test('a lost passphrase is replaced by it; it stays good, also for vaults that are made later', async () => {
  const vaultsDir = await makeVaults()
  const key = await makeKey(vaultsDir)
  await rewrapVaults({ vaultsDir, passphrase: key, by: 'recovery', newPassphrase, logN: cheapLogN })
  await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('wrong-passphrase'))
  expect((await openVault(vaultsDir, 'prod', newPassphrase)).items).toEqual([makeItem()])
  await createVaults({ vaultsDir, policies: ['later'], passphrase: newPassphrase, logN: cheapLogN })
  for (const [policy, items] of [
    ['prod', 1],
    ['later', 0],
  ] as const)
    expect(await opensBy(vaultsDir, policy, key)).toBe(items)
})

test('another one takes the first one’s place; one that is none, or of other vaults, opens nothing', async () => {
  const vaultsDir = await makeVaults()
  expect(await opensBy(vaultsDir, 'prod', Buffer.from('anything'))).toBe('recovery-missing')
  const first = await makeKey(vaultsDir)
  const second = await makeKey(vaultsDir)
  expect(await opensBy(vaultsDir, 'prod', first)).toBe('wrong-recovery-key')
  expect(await opensBy(vaultsDir, 'prod', second)).toBe(1)
  const mistyped = Buffer.from(second)
  mistyped[30] = mistyped[30] === 0x51 ? 0x50 : 0x51
  for (const wrong of [mistyped, passphrase, Buffer.alloc(0), await makeKey(await makeVaults())])
    expect(await opensBy(vaultsDir, 'prod', wrong)).toBe('wrong-recovery-key')
  const order = { vaultsDir, passphrase: first, by: 'recovery' as const, newPassphrase, logN: cheapLogN }
  await expect(rewrapVaults(order)).rejects.toEqual(refusedAs('wrong-recovery-key'))
  expect((await openVault(vaultsDir, 'prod', passphrase)).items).toEqual([makeItem()])
})

test('nothing of it is on the disk in the clear', async () => {
  const vaultsDir = await makeVaults()
  const key = (await makeKey(vaultsDir)).toString()
  const files = readdirSync(vaultsDir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
  expect(files.map(({ name }) => name)).toContain('recovery.age')
  for (const { parentPath, name } of files)
    expect(readFileSync(join(parentPath, name), 'latin1').toUpperCase()).not.toContain(key)
})

test('a change that a crash cut short leaves no vault with half of a new one', async () => {
  const vaultsDir = await makeVaults()
  const key = await makeKey(vaultsDir)
  for (const name of ['identity.age.next', 'recovery.age.next'])
    writeFileSync(join(vaultsDir, 'prod', name), 'half', { mode: 0o600 })
  await recoverRewrap(vaultsDir)
  expect(existsSync(join(vaultsDir, 'prod', 'recovery.age.next'))).toBe(false)
  expect(await opensBy(vaultsDir, 'prod', key)).toBe(1)
})
