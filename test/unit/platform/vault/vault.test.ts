import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Encrypter } from 'age-encryption'
import { createVaultCatalogue } from '../../../../src/platform/vault-catalogue.ts'
import { isPending } from '../../../../src/platform/vault/pending.ts'
import { createVaults } from '../../../../src/platform/vault/create-vault.ts'
import { openVault, removeItems } from '../../../../src/platform/vault/open-vault.ts'
import { sealAllPending, sealPending } from '../../../../src/platform/vault/seal-pending.ts'
import { cheapLogN, makeItem, makeVaultsDir } from './make-vault.ts'

const passphrase = Buffer.from('correct horse')

async function makeVaults(...policies: string[]): Promise<string> {
  const vaultsDir = makeVaultsDir()
  await createVaults({ vaultsDir, policies, passphrase, logN: cheapLogN })
  return vaultsDir
}

const refusedAs = (code: string) => expect.objectContaining({ name: 'GuardError', code })

describe('a new vault', () => {
  test('is empty, ours alone, and known to the catalogue', async () => {
    const vaultsDir = await makeVaults('prod', 'default')
    expect((await openVault(vaultsDir, 'prod', passphrase)).items).toEqual([])
    expect(createVaultCatalogue(vaultsDir).policies()).toEqual(['default', 'prod'])
    for (const name of readdirSync(join(vaultsDir, 'prod'))) {
      expect(statSync(join(vaultsDir, 'prod', name)).mode & 0o077).toBe(0)
    }
  })

  test('takes the passphrase that the others have, or none', async () => {
    const vaultsDir = await makeVaults('prod')
    const wrong = { vaultsDir, policies: ['default'], passphrase: Buffer.from('other'), logN: cheapLogN }
    await expect(createVaults(wrong)).rejects.toEqual(refusedAs('wrong-passphrase'))
    expect(createVaultCatalogue(vaultsDir).has('default')).toBe(false)
    expect(await createVaults({ ...wrong, passphrase })).toEqual(['default'])
  })

  test('leaves one that exists as it is', async () => {
    const vaultsDir = await makeVaults('prod')
    const before = readFileSync(join(vaultsDir, 'prod', 'identity.age'))
    expect(await createVaults({ vaultsDir, policies: ['prod'], passphrase, logN: cheapLogN })).toEqual([])
    expect(readFileSync(join(vaultsDir, 'prod', 'identity.age'))).toEqual(before)
  })

  test('sweeps away what an interrupted creation left', async () => {
    const vaultsDir = await makeVaults('prod')
    cpSync(join(vaultsDir, 'prod'), join(vaultsDir, '.creating-default-0011'), { recursive: true })
    await createVaults({ vaultsDir, policies: ['default'], passphrase, logN: cheapLogN })
    expect(readdirSync(vaultsDir).toSorted()).toEqual(['.lock', 'default', 'prod'])
  })

  test('refuses an empty passphrase and a name that is a path', async () => {
    const vaultsDir = makeVaultsDir()
    const order = { vaultsDir, policies: ['prod'], passphrase: Buffer.alloc(0), logN: cheapLogN }
    await expect(createVaults(order)).rejects.toEqual(refusedAs('usage'))
    await expect(createVaults({ ...order, passphrase, policies: ['../x'] })).rejects.toEqual(
      refusedAs('policy-unknown'),
    )
  })
})

describe('what can’t be looked at among the vaults', () => {
  test('counts as there, and keeps nothing from the others', async () => {
    const vaultsDir = await makeVaults('prod')
    const circle = join(vaultsDir, 'circle')
    mkdirSync(circle, { mode: 0o700 })
    for (const name of ['identity.age', 'catalogue.json']) symlinkSync(name, join(circle, name))
    const catalogue = createVaultCatalogue(vaultsDir)
    expect(catalogue.policies()).toEqual(['circle', 'prod'])
    expect(catalogue.credentials('circle')).toEqual([])
    await expect(openVault(vaultsDir, 'circle', passphrase)).rejects.toEqual(refusedAs('place-unsafe'))
    expect((await openVault(vaultsDir, 'prod', passphrase)).items).toEqual([])
  })
})

describe('pending items', () => {
  test('are in the catalogue at once, and merged by the next unlock', async () => {
    const vaultsDir = await makeVaults('prod')
    await sealPending(vaultsDir, makeItem())
    expect(createVaultCatalogue(vaultsDir).credentials('prod')).toEqual([makeItem().id])

    const first = await openVault(vaultsDir, 'prod', passphrase)
    expect(first.merged).toEqual([makeItem()])
    expect(first.items).toEqual([makeItem()])
    expect(readdirSync(join(vaultsDir, 'prod', 'pending'))).toEqual([])

    const second = await openVault(vaultsDir, 'prod', passphrase)
    expect(second.merged).toEqual([])
    expect(second.items).toEqual([makeItem()])
  })

  test('replace the item of the same id', async () => {
    const vaultsDir = await makeVaults('prod')
    await sealPending(vaultsDir, makeItem())
    await openVault(vaultsDir, 'prod', passphrase)
    await sealPending(vaultsDir, makeItem({ token: 'newer' }))
    await sealPending(vaultsDir, makeItem({ token: 'newest' }))
    const { items } = await openVault(vaultsDir, 'prod', passphrase)
    expect(items.map(({ token }) => token)).toEqual(['newest'])
  })

  test('that are not ours are set aside, and keep nobody out', async () => {
    const vaultsDir = await makeVaults('prod', 'default')
    const pending = join(vaultsDir, 'prod', 'pending')
    await sealPending(vaultsDir, makeItem())
    await sealPending(vaultsDir, makeItem({ id: 'default.bob-1', policy: 'default' }))
    renameSync(join(vaultsDir, 'default', 'pending', 'default.bob-1.age'), join(pending, 'prod.bob-1.age'))
    cpSync(join(pending, `${makeItem().id}.age`), join(pending, 'prod.renamed-1.age'))
    writeFileSync(join(pending, 'prod.noise-1.age'), 'noise', { mode: 0o600 })
    symlinkSync('/etc/passwd', join(pending, 'prod.link-1.age'))

    const { items, setAside } = await openVault(vaultsDir, 'prod', passphrase)
    expect(items).toEqual([makeItem()])
    expect(setAside.map((name) => name.split('.').slice(0, 3).join('.'))).toEqual([
      'prod.bob-1.age',
      'prod.link-1.age',
      'prod.noise-1.age',
      'prod.renamed-1.age',
    ])
    expect((await openVault(vaultsDir, 'prod', passphrase)).setAside).toEqual([])
    expect(readdirSync(pending)).toHaveLength(4)
  })

  test('sealed all at once wait in one file for each policy, and the one adopted last counts', async () => {
    const vaultsDir = await makeVaults('prod', 'default')
    const named = (id: string, token: string, adoptedAtMs: number) => makeItem({ id, token, adoptedAtMs })
    const stranger = makeItem({ id: 'default.bob-1', policy: 'default' })
    await sealPending(vaultsDir, named('prod.a-1', 'new', 2))
    await sealPending(vaultsDir, named('prod.b-1', 'old', 1))
    await sealAllPending(vaultsDir, [named('prod.a-1', 'old', 1), stranger, named('prod.b-1', 'new', 2)])
    await sealAllPending(vaultsDir, [named('prod.c-1', 'c', 1), named('prod.d-1', 'd', 1)])
    const pending = join(vaultsDir, 'prod', 'pending')
    expect(readdirSync(pending)).toEqual(['_batch-1.age', '_batch-2.age', 'prod.a-1.age', 'prod.b-1.age'])
    expect(isPending(vaultsDir, 'prod', 'prod.d-1')).toBe(true)
    expect(createVaultCatalogue(vaultsDir).credentials('prod').toSorted()).toEqual([
      'prod.a-1',
      'prod.b-1',
      'prod.c-1',
      'prod.d-1',
    ])
    // Another policy's batch is nobody's business here.
    await sealAllPending(vaultsDir, [stranger, { ...stranger, id: 'default.carol-1' }])
    renameSync(join(vaultsDir, 'default', 'pending', '_batch-1.age'), join(pending, '_batch-3.age'))
    const { items, setAside } = await openVault(vaultsDir, 'prod', passphrase)
    expect(Object.fromEntries(items.map(({ id, token }) => [id, token]))).toEqual({
      'prod.a-1': 'new',
      'prod.b-1': 'new',
      'prod.c-1': 'c',
      'prod.d-1': 'd',
    })
    expect(setAside).toHaveLength(1)
    expect(isPending(vaultsDir, 'prod', 'prod.d-1')).toBe(false)
  })

  test('need a vault, and a recipient in one piece', async () => {
    const vaultsDir = await makeVaults('prod')
    await expect(sealPending(vaultsDir, makeItem({ policy: 'none' }))).rejects.toEqual(
      refusedAs('vault-missing'),
    )
    writeFileSync(join(vaultsDir, 'prod', 'recipient'), 'age1nonsense')
    await expect(sealPending(vaultsDir, makeItem())).rejects.toEqual(refusedAs('vault-damaged'))
    expect(readdirSync(join(vaultsDir, 'prod', 'pending'))).toEqual([])
  })

  test('sealed at the same moment all arrive', async () => {
    const vaultsDir = await makeVaults('prod')
    const ids = Array.from({ length: 8 }, (_, at) => `prod.user-${at}`)
    await Promise.all(ids.map((id) => sealPending(vaultsDir, makeItem({ id }))))
    expect(createVaultCatalogue(vaultsDir).credentials('prod').toSorted()).toEqual(ids)
    expect((await openVault(vaultsDir, 'prod', passphrase)).items.map(({ id }) => id)).toEqual(ids)
  })

  test('a lost recipient is written anew, a changed one is an error that says so', async () => {
    const vaultsDir = await makeVaults('prod', 'default')
    const recipient = join(vaultsDir, 'prod', 'recipient')
    const own = readFileSync(recipient)
    cpSync(join(vaultsDir, 'default', 'recipient'), recipient)
    await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('recipient-changed'))
    rmSync(recipient)
    await openVault(vaultsDir, 'prod', passphrase)
    expect(readFileSync(recipient)).toEqual(own)
  })
})

describe('a vault that can’t be opened', () => {
  test('wrong passphrase', async () => {
    const vaultsDir = await makeVaults('prod')
    await expect(openVault(vaultsDir, 'prod', Buffer.from('wrong'))).rejects.toEqual(
      refusedAs('wrong-passphrase'),
    )
  })

  test.each(['vault.age', 'identity.age'])('%s cut short, emptied or changed', async (name) => {
    const vaultsDir = await makeVaults('prod')
    const path = join(vaultsDir, 'prod', name)
    const whole = readFileSync(path)
    const changed = Buffer.from(whole)
    changed[whole.length - 3] = (changed[whole.length - 3] as number) ^ 1
    for (const bytes of [whole.subarray(0, -1), whole.subarray(0, 20), Buffer.alloc(0), changed]) {
      writeFileSync(path, bytes)
      await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('vault-damaged'))
    }
    writeFileSync(path, whole)
    await openVault(vaultsDir, 'prod', passphrase)
  })

  test('vault.age lost, or another policy’s', async () => {
    const vaultsDir = await makeVaults('prod', 'default')
    renameSync(join(vaultsDir, 'prod'), join(vaultsDir, 'aside'))
    renameSync(join(vaultsDir, 'default'), join(vaultsDir, 'prod'))
    await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('vault-damaged'))
    rmSync(join(vaultsDir, 'prod', 'vault.age'))
    await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('vault-damaged'))
    await expect(openVault(vaultsDir, 'none', passphrase)).rejects.toEqual(refusedAs('vault-missing'))
  })

  test('one that a newer version wrote is left as it is', async () => {
    const vaultsDir = await makeVaults('prod')
    const encrypter = new Encrypter()
    encrypter.addRecipient(readFileSync(join(vaultsDir, 'prod', 'recipient'), 'utf8').trim())
    const newer = await encrypter.encrypt(JSON.stringify({ version: 2, entries: {} }))
    writeFileSync(join(vaultsDir, 'prod', 'vault.age'), newer)
    await sealPending(vaultsDir, makeItem())
    await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('vault-newer'))
    expect(readFileSync(join(vaultsDir, 'prod', 'vault.age'))).toEqual(Buffer.from(newer))
    expect(existsSync(join(vaultsDir, 'prod', 'pending', `${makeItem().id}.age`))).toBe(true)
  })

  test('one that asks for absurd work is refused before the work', async () => {
    const vaultsDir = await makeVaults('prod')
    const path = join(vaultsDir, 'prod', 'identity.age')
    writeFileSync(path, readFileSync(path, 'latin1').replace(/^(-> scrypt \S+) \d+$/m, '$1 40'), 'latin1')
    await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('vault-damaged'))
  })

  test('a link in place of a file, a file open to others, a folder open to others', async () => {
    const vaultsDir = await makeVaults('prod')
    const path = join(vaultsDir, 'prod', 'identity.age')
    chmodSync(path, 0o640)
    await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('place-unsafe'))
    chmodSync(path, 0o600)
    renameSync(path, join(vaultsDir, 'elsewhere'))
    symlinkSync(join(vaultsDir, 'elsewhere'), path)
    await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('place-unsafe'))
    rmSync(path)
    renameSync(join(vaultsDir, 'elsewhere'), path)
    chmodSync(join(vaultsDir, 'prod'), 0o755)
    await expect(openVault(vaultsDir, 'prod', passphrase)).rejects.toEqual(refusedAs('place-unsafe'))
  })
})

describe('removing', () => {
  test('takes out what was named, and not what replaced it meanwhile', async () => {
    const vaultsDir = await makeVaults('prod')
    const bob = makeItem({ id: 'prod.bob-1', user: 'bob' })
    await sealPending(vaultsDir, makeItem())
    await sealPending(vaultsDir, bob)
    const vault = await openVault(vaultsDir, 'prod', passphrase)
    const newBob = { ...bob, token: 'newer', adoptedAtMs: bob.adoptedAtMs + 1 }
    await sealPending(vaultsDir, newBob)

    await removeItems(vaultsDir, vault, [makeItem(), bob])
    expect((await openVault(vaultsDir, 'prod', passphrase)).items).toEqual([newBob])
    expect(createVaultCatalogue(vaultsDir).credentials('prod')).toEqual([bob.id])
  })
})

test('no file holds a secret in plain text, and messages quote none', async () => {
  const vaultsDir = await makeVaults('prod')
  await sealPending(vaultsDir, makeItem())
  const search = () =>
    readdirSync(vaultsDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
      .join('')
  expect(search()).not.toMatch(/token-of-alice|correct horse|AGE-SECRET-KEY/)
  await openVault(vaultsDir, 'prod', passphrase)
  expect(search()).not.toMatch(/token-of-alice|correct horse|AGE-SECRET-KEY/)
})
