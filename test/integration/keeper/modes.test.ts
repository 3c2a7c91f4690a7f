import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { strictestPolicies } from '../../../src/domain/policy.ts'
import { runScribe } from '../../../src/platform/scribes/run-scribe.ts'
import { createVaultCatalogue } from '../../../src/platform/vault-catalogue.ts'
import { openVault } from '../../../src/platform/vault/open-vault.ts'
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
    const home = await KeeperHome.make({ empty: true })
    const carol = join(home.root, 'carol.yaml')
    const dave = join(home.root, 'dave.yaml')
    await adopt(home, { carol, dave })
    rmSync(dave)

    const keeper = await home.start({ mode: 'eject', policies: [] })
    listen(keeper, { accepted: true })
    const said = await openWith(keeper, passphrase)
    if (!said.ok) throw new Error(said.code)
    // dave's kubeconfig is gone: his token must stay where it is.
    expect(said.reply.report).toMatchObject({
      ejected: [{ user: 'carol', file: carol }],
      failed: [{ user: 'dave', file: dave }],
    })
    await ended(keeper)
    expect(readFileSync(carol, 'utf8')).toBe(kubeconfigOf('carol'))
    const { items } = await openVault(home.vaultsDir, 'prod', Buffer.from(passphrase))
    expect(items.map(({ user, token }) => [user, token])).toEqual([['dave', 'token-of-dave']])
    expect(
      createVaultCatalogue(home.vaultsDir)
        .entries('prod')
        .map(({ user }) => user),
    ).toEqual(['dave'])
  })

  test('chooses by user and by file, named by a link too', async () => {
    const home = await KeeperHome.make({ empty: true })
    const files = { carol: join(home.root, 'carol.yaml'), dave: join(home.root, 'dave.yaml') }
    await adopt(home, files)
    const link = join(home.root, 'link.yaml')
    symlinkSync(files.dave, link)
    for (const [order, user] of [
      [{ users: ['carol'] }, 'carol'],
      [{ paths: [link] }, 'dave'],
      [{}, undefined],
    ] as const) {
      const keeper = await home.start({ mode: 'eject', policies: ['prod'], ...order })
      listen(keeper, { accepted: true })
      const said = await openWith(keeper, passphrase)
      if (!said.ok) throw new Error(said.code)
      const { ejected } = said.reply.report as OpenReport
      expect(ejected?.map((name) => name.user)).toEqual(user === undefined ? [] : [user])
    }
  })
})

const kubeconfigOf = (user: string): string => `apiVersion: v1
kind: Config
contexts:
- {name: of-${user}, context: {cluster: c, user: ${user}}}
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users:
- name: ${user}
  user:
    token: token-of-${user}
`

/** Writes a kubeconfig per user and has a scribe move their tokens into the vault. */
async function adopt(home: KeeperHome, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [user, file] of Object.entries(files)) writeFileSync(file, kubeconfigOf(user), { mode: 0o600 })
  const { report } = await runScribe({
    job: 'adopt',
    paths: Object.values(files),
    users: [],
    dryRun: false,
    policies: strictestPolicies().map((policy) => ({ ...policy, name: 'prod' })),
    plugin: { command: '/nowhere/kubeguard-credential', env: {} },
  })
  expect(report.adopted.map(({ user }) => user)).toEqual(Object.keys(files))
}
