import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createVaultCatalogue } from '../../../src/platform/vault-catalogue.ts'
import { openVault } from '../../../src/platform/vault/open-vault.ts'
import { sealPending } from '../../../src/platform/vault/seal-pending.ts'
import type { OpenReport } from '../../../src/protocol/reports.ts'
import type { Keeper } from '../../../src/usecases/ports.ts'
import { ended, item, KeeperHome, listen, openWith, passphrase } from './keeper-home.ts'
import { ask, giveTicket } from './talk.ts'

async function change(keeper: Keeper, from: string, to: string) {
  const ticket = await giveTicket(keeper, 'open')
  const request = { ticket, passphrase: Buffer.from(from), newPassphrase: Buffer.from(to) }
  return ask(keeper.socket, 'keeper.open', request)
}

describe('create', () => {
  test('makes the vaults that are missing, with a costly key, and the keeper ends', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start({ mode: 'create', policies: ['prod', 'default'] })
    const heard = listen(keeper, { accepted: true })
    const said = await openWith(keeper, passphrase)
    expect(said.ok && said.reply.report).toMatchObject({ policies: ['default'] })
    expect(heard).toMatchObject([{ failure: undefined, report: { policies: ['default'] } }])
    await ended(keeper)
    const [, logN] = /^-> scrypt \S+ (\d+)$/m.exec(
      readFileSync(join(home.vaultsDir, 'default', 'identity.age'), 'latin1'),
    ) as RegExpExecArray
    expect(Number(logN)).toBeGreaterThanOrEqual(17)
    expect((await openVault(home.vaultsDir, 'default', Buffer.from(passphrase))).items).toEqual([])
  })

  test('with another passphrase than the first vault’s makes none', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start({ mode: 'create', policies: ['default'] })
    const heard = listen(keeper, { accepted: true })
    expect(await openWith(keeper, 'another')).toEqual({ ok: false, code: 'wrong-passphrase' })
    expect(heard).toMatchObject([{ failure: 'wrong-passphrase' }])
    await ended(keeper)
    expect(createVaultCatalogue(home.vaultsDir).policies()).toEqual(['prod'])
  })
})

describe('rewrap', () => {
  test('changes the passphrase, and serves nothing', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start({ mode: 'rewrap' })
    listen(keeper, { accepted: true })
    expect(await change(keeper, passphrase, 'a better one')).toMatchObject({ ok: true })
    await ended(keeper)
    const { items } = await openVault(home.vaultsDir, 'prod', Buffer.from('a better one'))
    expect(items).toEqual([item])
    await expect(openVault(home.vaultsDir, 'prod', Buffer.from(passphrase))).rejects.toMatchObject({
      code: 'wrong-passphrase',
    })
  })

  test('needs the old one, and a new one', async () => {
    const home = await KeeperHome.make()
    const first = await home.start({ mode: 'rewrap' })
    expect(await change(first, 'wrong', 'a better one')).toEqual({ ok: false, code: 'wrong-passphrase' })
    const second = await home.start({ mode: 'rewrap' })
    expect(await openWith(second, passphrase)).toEqual({ ok: false, code: 'usage' })
    await openVault(home.vaultsDir, 'prod', Buffer.from(passphrase))
  })
})

describe('eject', () => {
  test('puts what was chosen back into its file, and only that leaves the vault', async () => {
    const home = await KeeperHome.make()
    const file = join(home.vaultsDir, '..', 'kubeconfig')
    mkdirSync(join(file, '..'), { recursive: true })
    const adopted = { ...item, id: 'prod.carol-1', user: 'carol', file, original: { user: { token: 'token-of-carol' } } }
    writeFileSync(file, kubeconfigWith(adopted.id))
    await sealPending(home.vaultsDir, adopted)

    const keeper = await home.start({ mode: 'eject', policies: [], users: ['carol', 'alice'] })
    listen(keeper, { accepted: true })
    const said = await openWith(keeper, passphrase)
    const report = (said.ok ? said.reply.report : said) as OpenReport
    // alice's kubeconfig does not exist: her token must stay where it is.
    expect(report).toMatchObject({ ejected: [{ user: 'carol', file }], failed: [{ user: 'alice', file: item.file }] })
    await ended(keeper)
    expect(readFileSync(file, 'utf8')).toContain('token-of-carol')
    expect((await openVault(home.vaultsDir, 'prod', Buffer.from(passphrase))).items).toEqual([item])
    expect(createVaultCatalogue(home.vaultsDir).credentials('prod')).toEqual([item.id])
  })

  test('of nothing that is there is no failure', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start({ mode: 'eject', users: ['nobody'] })
    listen(keeper, { accepted: true })
    const said = await openWith(keeper, passphrase)
    expect(said.ok && said.reply.report).toMatchObject({ ejected: [] })
    await ended(keeper)
  })
})

const kubeconfigWith = (credential: string): string => `apiVersion: v1
kind: Config
contexts: [{name: prod, context: {cluster: c, user: carol}}]
clusters: [{name: c, cluster: {server: https://127.0.0.1:1}}]
users:
- name: carol
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: /nowhere/kubeguard-credential
      args: [--policy, prod, --credential, ${credential}]
      interactiveMode: IfAvailable
`
