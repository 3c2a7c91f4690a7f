import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { lifetimeRule } from '../../src/cluster-check/rules.ts'
import { good } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { makeOidcHome, writeKubeconfig } from '../fixtures/oidc-home.ts'
import type { OidcHome } from '../fixtures/oidc-home.ts'
import { personIn } from '../fixtures/person.ts'
import { repository, until } from '../fixtures/terminal.ts'
import { describeWithApiServers, startApiServer } from './second-api-server.ts'
import { fromPage } from './check-ground.ts'
import { admin, makeNamespace } from './fixture.ts'

interface Jwt {
  readonly issuer: object
  readonly claimValidationRules?: readonly object[]
}

/** The page’s AuthenticationConfiguration, for these providers. */
function configFor(homes: readonly OidcHome[], hasRule: boolean): string {
  const config = parse(fromPage('authentication')) as { jwt: Jwt[] }
  const jwt = homes.map(({ provider }) => {
    const { claimValidationRules, ...rest } = config.jwt[0] as Jwt
    const issuer = { ...rest.issuer, url: provider.issuer, certificateAuthority: provider.caPem }
    return { ...rest, issuer, ...(hasRule && { claimValidationRules }) }
  })
  return stringify({ ...config, jwt })
}

const whoami = ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}']
const isAlice = async (home: TestHome): Promise<boolean> =>
  (await home.realKubectl(whoami)).stdout === 'oidc:alice'

describeWithApiServers('a log-in at an identity provider, and an API server that takes its tokens', () => {
  test('unlocked it is who logged in there; locked nobody; and the printed rule refuses what is good for longer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kg-oidc-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const namespace = await makeNamespace()
    const atEnd = (undo: () => Promise<void>): void => onTestFinished(undo)
    const short = await makeOidcHome(atEnd)
    const long = await makeOidcHome(atEnd, { idTokenSeconds: 3600 })
    const file = join(folder, 'authentication.yaml')
    writeFileSync(file, configFor([short, long], true))
    const without = join(folder, 'without.yaml')
    writeFileSync(without, configFor([short, long], false))
    const server = await startApiServer({ 'authentication-config': file })
    onTestFinished(() => server.stop())
    const lax = await startApiServer({ 'authentication-config': without })
    onTestFinished(() => lax.stop())
    for (const { home } of [short, long]) writeKubeconfig(home, server)
    await admin([
      'create',
      'rolebinding',
      'alice',
      '-n',
      namespace,
      '--clusterrole=view',
      '--user=oidc:alice',
    ])

    const { home, browser, provider } = short
    using shell = await personIn(home, { BROWSER: browser })
    // The API server asks each provider for its keys every few seconds until it has them.
    expect((await shell.enter(`${repository}/bin/kubeguard unlock corp`, 90_000)).code).toBe(0)
    await until('the API server to know the provider', () => isAlice(home), { withinMs: 60_000 })
    const pods = ['get', 'pods', '-n', namespace]
    good(await home.kubectl(pods))
    expect((await home.kubectl(['get', 'secrets', '-n', namespace])).stderr).toContain(
      'User "oidc:alice" cannot list',
    )

    const check = async (config: string) =>
      home.kubeguard(['cluster', 'check', '--authentication-config', config], { timeoutMs: 120_000 })
    const gap = await check(without)
    expect(gap.code).toBe(1)
    expect(gap.stdout).toContain(`issuer ${provider.issuer}  jwt-without-lifetime`)
    expect(gap.stdout).toContain(lifetimeRule)
    expect(gap.stderr).toContain('as oidc:alice')
    expect((await check(file)).stdout).not.toContain('jwt-without-lifetime')

    await home.lock()
    for (const refused of [await home.kubectl(pods), await home.realKubectl(pods)]) {
      expect(refused.code).not.toBe(0)
      expect(refused.stderr).toContain('corp is locked')
    }
    await until('the refresh token taken back', () => provider.revoked === 1)
    expect(existsSync(join(home.guardHome, 'state', 'vaults', 'corp'))).toBe(false)

    using other = await personIn(long.home, { BROWSER: long.browser })
    expect((await other.enter(`${repository}/bin/kubeguard unlock corp`, 90_000)).code).toBe(0)
    const tooLong = await long.home.realKubectl(pods)
    expect(tooLong.code).not.toBe(0)
    expect(tooLong.stderr).toContain('You must be logged in to the server')
    // It is the rule: an API server without it takes the same log-in.
    writeKubeconfig(long.home, lax)
    await until('the API server to know the provider', () => isAlice(long.home), { withinMs: 60_000 })
  })
})
