import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createVaults } from '../../../src/platform/vault/create-vault.ts'
import { openVault } from '../../../src/platform/vault/open-vault.ts'
import { sealPending } from '../../../src/platform/vault/seal-pending.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import { TestTerminal } from '../../fixtures/terminal.ts'
import { item } from './keeper-home.ts'

const passphrase = 'pass phrase with blanks and ü'
const env = { PATH: process.env['PATH'], TERM: 'xterm' }

/** `age` reads a passphrase from the terminal alone. */
async function age(folder: string, args: readonly string[], ...answers: string[]): Promise<number> {
  const terminal = new TestTerminal('/usr/bin/env', ['age', ...args], env, folder)
  onTestFinished(() => terminal.close())
  for (const answer of answers) {
    const seen = terminal.output.length
    await terminal.shows(new RegExp(`^[^]{${seen}}[^]*passphrase`, 'i'))
    terminal.type(`${answer}\r`)
  }
  return terminal.ended()
}

test('a vault opens with the age command and the passphrase', async () => {
  const root = mkdtempSync(join(tmpdir(), 'kg-age-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const vaultsDir = join(root, 'vaults')
  // As it is made for users: with the work that this machine calls for.
  await createVaults({ vaultsDir, policies: ['prod'], passphrase: Buffer.from(passphrase) })
  await sealPending(vaultsDir, item)
  const folder = join(vaultsDir, 'prod')

  expect(await age(folder, ['-d', '-o', join(root, 'key'), 'identity.age'], passphrase)).toBe(0)
  const open = await runProgram(
    '/usr/bin/env',
    ['age', '-d', '-i', join(root, 'key'), `pending/${item.id}.age`],
    {
      env,
      cwd: folder,
    },
  )
  expect(JSON.parse(open.stdout)).toEqual({ version: 1, item })

  await openVault(vaultsDir, 'prod', Buffer.from(passphrase))
  const vault = await runProgram('/usr/bin/env', ['age', '-d', '-i', join(root, 'key'), 'vault.age'], {
    env,
    cwd: folder,
  })
  expect(JSON.parse(vault.stdout)).toEqual({ version: 1, policy: 'prod', items: [item] })
})

test('an identity that was sealed with the age command opens the vault', async () => {
  const root = mkdtempSync(join(tmpdir(), 'kg-age-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const vaultsDir = join(root, 'vaults')
  await createVaults({ vaultsDir, policies: ['prod'], passphrase: Buffer.from(passphrase), logN: 12 })
  const folder = join(vaultsDir, 'prod')
  await age(folder, ['-d', '-o', join(root, 'key'), 'identity.age'], passphrase)
  const sealed = join(root, 'sealed')
  expect(
    await age(folder, ['-p', '-o', sealed, join(root, 'key')], 'other passphrase', 'other passphrase'),
  ).toBe(0)
  expect(readFileSync(sealed, 'latin1')).toMatch(/^-> scrypt \S+ 18$/m)
  cpSync(sealed, join(folder, 'identity.age'))
  chmodSync(join(folder, 'identity.age'), 0o600)
  expect((await openVault(vaultsDir, 'prod', Buffer.from('other passphrase'))).items).toEqual([])
})
