import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Encrypter } from 'age-encryption'
import { describe, expect, test } from 'vitest'
import { sealPending } from '../../../src/platform/vault/seal-pending.ts'
import type { OpenReport } from '../../../src/protocol/reports.ts'
import type { Keeper } from '../../../src/usecases/ports.ts'
import { acceptFor, ended, item, KeeperHome, listen, openWith, passphrase, unlocked } from './keeper-home.ts'
import { ask, giveTicket } from './talk.ts'
import type { Said } from './talk.ts'

const reportOf = (said: Said<'keeper.open'>): OpenReport => {
  if (!said.ok) throw new Error(said.code)
  return said.reply.report as OpenReport
}

async function issue(keeper: Keeper, credential: string, apiVersion = 'v1') {
  const ticket = await giveTicket(keeper, 'issue', credential)
  const said = await ask(keeper.socket, 'keeper.issue', { ticket, apiVersion })
  return said.ok ? JSON.parse(String(said.reply.execCredential)) : said.code
}

describe('an unlock', () => {
  test('opens the vault, says what was merged, and serves credentials', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start()
    const heard = listen(keeper, acceptFor(60_000))
    const report = reportOf(await openWith(keeper, passphrase))
    expect(report).toMatchObject({
      policies: ['prod'],
      merged: [{ user: 'alice', file: item.file }],
      idleMs: 60_000,
    })
    expect(heard).toMatchObject([{ generation: 7, failure: undefined, report: { policies: ['prod'] } }])

    const credential = await issue(keeper, item.id)
    expect(credential).toMatchObject({
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      status: { token: 'token-of-alice' },
    })
    const leftMs = Date.parse(credential.status.expirationTimestamp) - Date.now()
    expect(leftMs).toBeGreaterThan(50_000)
    expect(leftMs).toBeLessThanOrEqual(60_000)
    expect(await issue(keeper, item.id, 'client.authentication.k8s.io/v1beta1')).toMatchObject({
      apiVersion: 'client.authentication.k8s.io/v1beta1',
    })
    expect(await issue(keeper, 'prod.nobody-1')).toBe('credential-unknown')
    expect(await issue(keeper, item.id, 'v2')).toBe('protocol-error')
  })

  test('of a policy without a vault opens at once, and holds nothing', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start({ policies: ['default'] })
    listen(keeper, acceptFor(60_000))
    expect(reportOf(await openWith(keeper, ''))).toMatchObject({ policies: ['default'] })
    expect(await issue(keeper, item.id)).toBe('credential-unknown')
  })

  test('serves what is adopted, or adopted anew, while it lasts', async () => {
    const home = await KeeperHome.make()
    const keeper = await unlocked(home)
    await sealPending(home.vaultsDir, { ...item, token: 'rotated' })
    await sealPending(home.vaultsDir, { ...item, id: 'prod.bob-1', token: 'token-of-bob' })
    expect(await issue(keeper, 'prod.bob-1')).toMatchObject({ status: { token: 'token-of-bob' } })
    expect(await issue(keeper, item.id)).toMatchObject({ status: { token: 'rotated' } })
  })

  test('gives nothing before it was proven', async () => {
    const home = await KeeperHome.make()
    expect(await issue(await home.start(), item.id)).toBe('locked')
  })
})

describe('a failed unlock', () => {
  /** What the client and the daemon are told of the one attempt, once the keeper is gone. */
  async function failure(home: KeeperHome, attempt = passphrase): Promise<unknown> {
    const keeper = await home.start()
    const heard = listen(keeper, { accepted: false })
    const said = await openWith(keeper, attempt)
    await ended(keeper)
    return { said, heard }
  }

  const failedAs = (code: string): unknown => ({
    said: { ok: false, code },
    heard: [{ generation: 7, failure: code, report: undefined }],
  })

  test('wrong passphrase', async () => {
    expect(await failure(await KeeperHome.make(), 'wrong horse')).toEqual(failedAs('wrong-passphrase'))
  })

  test('damaged vault', async () => {
    const home = await KeeperHome.make()
    writeFileSync(join(home.vaultsDir, 'prod', 'vault.age'), 'noise')
    expect(await failure(home)).toEqual(failedAs('vault-damaged'))
  })

  test('vault of a newer version', async () => {
    const home = await KeeperHome.make()
    const encrypter = new Encrypter()
    encrypter.addRecipient(readFileSync(join(home.vaultsDir, 'prod', 'recipient'), 'utf8').trim())
    const newer = await encrypter.encrypt(JSON.stringify({ version: 9 }))
    writeFileSync(join(home.vaultsDir, 'prod', 'vault.age'), newer)
    expect(await failure(home)).toEqual(failedAs('vault-newer'))
  })

  test('locked meanwhile: the daemon’s word decides, and the secrets go', async () => {
    const home = await KeeperHome.make()
    for (const [answer, code] of [
      [{ accepted: false }, 'unlock-superseded'],
      [{ accepted: false, refusal: 'disk-full' }, 'disk-full'],
    ] as const) {
      const keeper = await home.start()
      listen(keeper, answer)
      expect(await openWith(keeper, passphrase)).toEqual({ ok: false, code })
      await ended(keeper)
    }
  })

  test('nobody to ask means no', async () => {
    const home = await KeeperHome.make()
    const keeper = await home.start()
    expect(await openWith(keeper, passphrase)).toEqual({ ok: false, code: 'unlock-superseded' })
    await ended(keeper)
  })
})
