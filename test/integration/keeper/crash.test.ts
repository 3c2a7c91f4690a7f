import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createVaultCatalogue } from '../../../src/platform/vault-catalogue.ts'
import { createVaults } from '../../../src/platform/vault/create-vault.ts'
import { openVault } from '../../../src/platform/vault/open-vault.ts'
import { sealPending } from '../../../src/platform/vault/seal-pending.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import type { Run } from '../../fixtures/run-program.ts'
import { node, repository } from '../../fixtures/terminal.ts'
import { item } from './keeper-home.ts'

const program = join(repository, 'test/integration/keeper/change-vaults.ts')
const before = Buffer.from('old one')
const after = Buffer.from('new one')

/** Every call by which our files change, as libuv makes them on the architectures we build for. */
const calls = ['rename', 'unlink', 'fsync', 'mkdir']

/** Two vaults, one with an item that is merged and one that is pending. */
async function makeVaults(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'kg-crash-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const vaultsDir = join(root, 'model')
  await createVaults({ vaultsDir, policies: ['prod', 'default'], passphrase: before, logN: 12 })
  await sealPending(vaultsDir, item)
  await openVault(vaultsDir, 'prod', before)
  await sealPending(vaultsDir, { ...item, id: 'prod.bob-1', user: 'bob' })
  return vaultsDir
}

/** Runs the change on a copy, with the `count`-th call of a kind killed or failing. */
async function disturb(
  model: string,
  change: string,
  inject: string,
): Promise<{ run: Run; vaultsDir: string }> {
  const vaultsDir = `${model}-copy`
  rmSync(vaultsDir, { recursive: true, force: true })
  cpSync(model, vaultsDir, { recursive: true })
  // Quicker: only these calls stop the program. strace can't inject a signal that way.
  const quick = inject.includes('error=') ? ['--seccomp-bpf'] : []
  const traced = ['-e', `trace=${calls.join(',')}`, '-e', `inject=${inject}`]
  const args = ['-f', ...quick, '-o', '/dev/null', ...traced]
  const run = await runProgram('/usr/bin/strace', [...args, node, program, change, vaultsDir], {
    env: { PATH: process.env['PATH'] },
    cwd: repository,
  })
  return { run, vaultsDir }
}

/** Making vaults removes nothing; everything else makes each of the calls. */
const leastDisturbed = (change: string, call: string): number =>
  change === 'create' && call === 'unlink' ? 0 : 1

const opens = async (
  vaultsDir: string,
  policy: string,
  passphrase: Buffer,
): Promise<string[] | undefined> => {
  try {
    return (await openVault(vaultsDir, policy, passphrase)).items.map(({ user }) => user)
  } catch (error) {
    if ((error as { code?: string }).code === 'wrong-passphrase') return undefined
    throw error
  }
}

/** Every vault opens with one and the same passphrase, and holds everything. @returns which one */
async function check(vaultsDir: string): Promise<'old' | 'new'> {
  const isOld = (await opens(vaultsDir, 'prod', before)) !== undefined
  const passphrase = isOld ? before : after
  expect(await opens(vaultsDir, 'prod', passphrase)).toEqual(['alice', 'bob'])
  for (const policy of createVaultCatalogue(vaultsDir).policies()) {
    expect(await opens(vaultsDir, policy, passphrase)).toBeDefined()
  }
  return isOld ? 'old' : 'new'
}

describe.each(['merge', 'rewrap', 'create'])('%s', { timeout: 120_000 }, (change) => {
  test.each(calls.filter((call) => call !== 'mkdir' || change === 'create'))(
    'killed at each %s',
    async (call) => {
      const model = await makeVaults()
      for (let count = 1; ; count += 1) {
        const { run, vaultsDir } = await disturb(model, change, `${call}:signal=KILL:when=${count}`)
        const holds = await check(vaultsDir)
        if (run.code === 0) {
          expect(holds).toBe(change === 'rewrap' ? 'new' : 'old')
          expect(count).toBeGreaterThan(leastDisturbed(change, call))
          break
        }
        expect(run.code).toBe(137)
      }
    },
  )

  test.each(['fsync', 'rename'])('full disk at each %s', async (call) => {
    const model = await makeVaults()
    for (let count = 1; ; count += 1) {
      const { run, vaultsDir } = await disturb(model, change, `${call}:error=ENOSPC:when=${count}`)
      await check(vaultsDir)
      if (run.code === 0) {
        expect(count).toBeGreaterThan(leastDisturbed(change, call))
        break
      }
      expect(run.stderr).toBe('disk-full\n')
    }
  })
})
