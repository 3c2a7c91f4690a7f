import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Browser } from '../../fixtures/browser.ts'
import { environmentOf, isRunning, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { clientId } from '../../fixtures/identity-provider.ts'
import { makeOidcHome, writePolicies } from '../../fixtures/oidc-home.ts'
import type { OidcHome, OidcHomeOptions } from '../../fixtures/oidc-home.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import { personIn } from '../../fixtures/person.ts'

const kubeguard = join(repository, 'bin', 'kubeguard')

const oidcHome = (options?: OidcHomeOptions): Promise<OidcHome> => makeOidcHome(onTestFinished, options)

/** How often a browser was started, each with its address. */
const startsOf = (browser: string): string[] => readFileSync(`${browser}.log`, 'utf8').trim().split('\n')

async function sessionState(home: TestHome): Promise<string | undefined> {
  const { stdout } = await home.kubeguard(['status', '--json'])
  const { sessions } = JSON.parse(stdout) as { sessions: { policy: string; state: string }[] }
  return sessions.find(({ policy }) => policy === 'corp')?.state
}

/** Processes of this home that wait to have a token taken back. */
function revokers(home: TestHome): number[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && environmentOf(pid).includes(`KUBEGUARD_HOME=${home.guardHome}`))
    .map(Number)
    .filter((pid) => isRunning(pid) && commandOf(pid).includes('revoker.cjs'))
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

test('a command that meets the lock sends the browser to the provider, and goes on as who logged in there', async () => {
  const { home, playground, provider, browser } = await oidcHome()
  using shell = await personIn(home, { BROWSER: browser })
  const { code, shown } = await shell.enter('kubectl get pods', 90_000)
  expect(shown).toContain('corp: log in with your browser')
  expect(shown).toContain('corp unlocked')
  expect(code).toBe(0)
  expect(playground.requests.entries.some(({ identity }) => identity?.user === 'alice')).toBe(true)
  expect(startsOf(browser)).toHaveLength(1)
  await home.lock()
  const after = await home.realKubectl(['get', 'pods'])
  expect(after.code).not.toBe(0)
  expect(after.stderr).toContain('corp is locked')
  expect(existsSync(`${home.guardHome}/state/vaults/corp`)).toBe(false)
  await until('the token taken back at the provider', () => provider.revoked === 1)
})

test('a provider that does not answer at the lock holds nobody up, and the one who asks it for more than 5 s', async () => {
  const { home, provider, browser } = await oidcHome()
  using shell = await personIn(home, { BROWSER: browser })
  expect((await shell.enter(`${kubeguard} unlock corp`, 90_000)).code).toBe(0)
  provider.holds = '/token/revocation'
  await home.lock()
  await until('the request to take the token back', () => provider.asked.get('/token/revocation') === 1)
  await until('the end of the revoker', () => revokers(home).length === 0)
})

test('Ctrl-C while the browser is out is a no, and the port is free again', async () => {
  const { home, redirect, idleBrowser } = await oidcHome()
  using shell = await personIn(home, { BROWSER: idleBrowser })
  const from = shell.output.length
  shell.type('kubectl get pods; echo "code"=$?\r')
  await shell.showsAfter(from, redirect)
  shell.type('\u0003')
  await shell.showsAfter(from, /code=\d+/, 60_000)
  expect(shell.output).toContain('cancelled')
  await until('the attempt’s end', async () => (await sessionState(home)) === 'locked')
  expect(
    (await shell.enter(`BROWSER=${idleBrowser.replace('idle-', '')} ${kubeguard} unlock corp`, 90_000)).code,
  ).toBe(0)
})

test('many commands open one tab, and one that only polls opens none', async () => {
  const { home, browser, playground } = await oidcHome()
  using shell = await personIn(home, { BROWSER: browser })
  const polls = await home.kubectl(['get', 'pods'], { env: { BROWSER: browser } })
  expect(polls).toMatchObject({ code: 77, stderr: expect.stringContaining('corp is locked') })
  const line = 'for i in 1 2 3 4 5 6; do kubectl get pods >/dev/null & done; kubectl get pods; wait'
  expect((await shell.enter(line, 120_000)).code).toBe(0)
  expect(startsOf(browser)).toHaveLength(1)
  expect(
    playground.requests.entries.filter(({ identity }) => identity?.user === 'alice').length,
  ).toBeGreaterThan(6)
})

test('where no browser is the person gets a code for another device', async () => {
  const { home, provider } = await oidcHome({ requireAuthTime: true })
  using shell = await personIn(home)
  const from = shell.output.length
  shell.type(`${kubeguard} unlock corp; echo "code"=$?\r`)
  const shown = await shell.showsAfter(from, /user_code=\S+,/, 60_000)
  const [, address = ''] = /log in at (\S+),/.exec(shown.replaceAll(/\r?\n/g, '')) ?? []
  await new Browser(provider.caPem).logIn(address, 'alice')
  await shell.showsAfter(from, 'code=0', 60_000)
  expect(await sessionState(home)).toBe('unlocked')
})

test('another issuer in the policy file ends the session, and no vault stands in the way of an uninstall', async () => {
  const { home, provider, redirect, browser } = await oidcHome()
  using shell = await personIn(home, { BROWSER: browser })
  expect((await shell.enter(`${kubeguard} unlock corp`, 90_000)).code).toBe(0)
  const oidc = {
    issuer: 'https://elsewhere.example',
    clientId,
    redirect: [redirect],
    ca: provider.caFile(home),
  }
  writePolicies(home, { oidc })
  await until('the lock', async () => (await sessionState(home)) === 'locked')
  expect(await home.kubeguard(['policy', 'check'])).toMatchObject({ code: 0 })
  const undone = await home.kubeguard(['uninstall', '--yes', '--passphrase-fd', '3'], { fd3: passphrase })
  expect(undone).toMatchObject({ code: 0 })
})
