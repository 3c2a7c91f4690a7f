import { Decrypter, Encrypter } from 'age-encryption'
import { expect, test } from 'vitest'
import { openIdentity, sealIdentity } from '../../../../src/platform/vault/identity.ts'
import { calibrateLogN, PassphraseIdentity } from '../../../../src/platform/vault/scrypt-stanza.ts'

const identity = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX'

test('the library’s own scrypt opens what ours sealed', async () => {
  const decrypter = new Decrypter()
  decrypter.addPassphrase('correct horse')
  const sealed = await sealIdentity(identity, Buffer.from('correct horse'), 12)
  expect(await decrypter.decrypt(sealed, 'text')).toBe(`${identity}\n`)
})

test('ours opens what the library’s own sealed, comments and all', async () => {
  const encrypter = new Encrypter()
  encrypter.setPassphrase('correct horse')
  encrypter.setScryptWorkFactor(12)
  const sealed = await encrypter.encrypt(`# created by hand\n${identity}\n`)
  const key = await openIdentity(sealed, Buffer.from('correct horse'), 'prod')
  expect(key.identity).toBe(identity)
})

test('a key of a kind that only a newer version knows is called that', async () => {
  const sealed = await sealIdentity('AGE-SECRET-KEY-PQ-1XYZ', Buffer.from('p'), 12)
  await expect(openIdentity(sealed, Buffer.from('p'), 'prod')).rejects.toMatchObject({ code: 'vault-newer' })
})

test('a passphrase stanza must stand alone, or a file could mix factors', async () => {
  const encrypter = new Encrypter()
  encrypter.setPassphrase('p')
  encrypter.setScryptWorkFactor(12)
  const attempt = new PassphraseIdentity(Buffer.from('p'))
  const two = {
    unwrapFileKey: (stanzas: Parameters<typeof attempt.unwrapFileKey>[0]) =>
      attempt.unwrapFileKey([...stanzas, ...stanzas]),
  }
  const decrypter = new Decrypter()
  decrypter.addIdentity(two)
  await expect(decrypter.decrypt(await encrypter.encrypt('x'))).rejects.toThrow('not the only one')
})

test('a guess costs at least 128 MiB', () => {
  expect(calibrateLogN()).toBeGreaterThanOrEqual(17)
})
