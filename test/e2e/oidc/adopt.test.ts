import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { good, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { policyFile } from '../../fixtures/policy.ts'
import { clientId } from '../../fixtures/identity-provider.ts'
import { makeOidcHome } from '../../fixtures/oidc-home.ts'
import type { OidcHome, OidcHomeOptions } from '../../fixtures/oidc-home.ts'
import { personIn } from '../../fixtures/person.ts'
import { repository, until } from '../../fixtures/terminal.ts'

const kubeguard = join(repository, 'bin', 'kubeguard')

const oidcHome = (options?: OidcHomeOptions): Promise<OidcHome> => makeOidcHome(onTestFinished, options)

const config = async (home: TestHome, ...args: string[]) => good(await home.realKubectl(['config', ...args]))

/** A user of kubelogin's, as its set-up writes one. */
async function useKubelogin({ home, provider, redirect }: OidcHome, ...more: string[]): Promise<unknown> {
  const flags = [
    `--oidc-issuer-url=${provider.issuer},--oidc-client-id,${clientId}`,
    `--certificate-authority=${provider.caFile(home)}`,
    `--listen-address=127.0.0.1:${new URL(redirect).port}`,
    ...more,
  ]
  await config(home, 'unset', 'users.me')
  await config(
    home,
    'set-credentials',
    'me',
    '--exec-command=kubectl',
    `--exec-arg=oidc-login,get-token,${flags.join(',')}`,
    '--exec-api-version=client.authentication.k8s.io/v1',
    '--exec-interactive-mode=IfAvailable',
  )
  return parse(readFileSync(home.kubeconfig, 'utf8'))
}

const rules = `# mine
apiVersion: kubeguard.dev/v1
policies:
  # what I work with
  - name: default   # the rest
    contexts: ["*"]
    idle: 30m
    absorb: 'off'
`

test('kubelogin is replaced by a policy of its own, secret and all, and an eject brings it back', async () => {
  const secret = 'a-client-secret-of-the-test'
  const made = await oidcHome({ client: { clientSecret: secret } })
  const { home, provider, playground, browser } = made
  writeFileSync(policyFile(home), rules)
  const before = await useKubelogin(made, `--oidc-client-secret=${secret}`)
  expect(await home.kubeguard(['adopt', '--dry-run'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('+    unlock:'),
  })
  expect(readFileSync(policyFile(home), 'utf8')).toBe(rules)
  const adopted = good(await home.kubeguard(['adopt', '--yes']))
  expect(adopted.stderr).toContain('log in: kubeguard unlock oidc')
  expect(adopted.stdout + adopted.stderr).not.toContain(secret)
  const written = readFileSync(policyFile(home), 'utf8')
  // What a person wrote stands there as it was.
  for (const line of rules.split('\n')) expect(written.split('\n')).toContain(line)
  expect(written).not.toContain(secret)
  expect(parse(written)).toMatchObject({
    policies: [
      { name: 'oidc', contexts: ['corp'], idle: '30m', unlock: ['oidc'], wipe: ['kubelogin'] },
      { name: 'default' },
    ],
  })
  expect(readFileSync(home.kubeconfig, 'utf8')).not.toContain(secret)
  using shell = await personIn(home, { BROWSER: browser })
  expect((await shell.enter('kubectl get pods', 90_000)).code).toBe(0)
  expect(playground.requests.entries.some(({ identity }) => identity?.user === 'alice')).toBe(true)
  await home.lock()
  await until('the token taken back at the provider', () => provider.revoked === 1)
  good(await home.kubeguard(['eject', '--user', 'me', '--yes']))
  expect(parse(readFileSync(home.kubeconfig, 'utf8'))).toEqual(before)
})

test('a person is asked once, and a client whose secret goes into the body is one, too', async () => {
  const secret = 'another-client-secret-of-the-test'
  const made = await oidcHome({ client: { clientSecret: secret, secretGoesIn: 'body' } })
  const { home, browser } = made
  writeFileSync(policyFile(home), rules)
  await useKubelogin(made, `--oidc-client-secret=${secret}`)
  using shell = await personIn(home, { BROWSER: browser })
  const from = shell.output.length
  shell.type(`${kubeguard} adopt; echo "code"=$?\r`)
  await shell.showsAfter(from, 'log in there by kubeguard, in the place of kubelogin?', 60_000)
  shell.type('y')
  // What was agreed to is not asked again.
  await shell.showsAfter(from, 'code=0', 60_000)
  expect((await shell.enter('kubectl get pods', 90_000)).code).toBe(0)
  const file = join(home.guardHome, 'state', 'providers', 'oidc', 'client-secret')
  const unlock = `${kubeguard} unlock oidc`
  chmodSync(file, 0o644)
  await home.lock()
  const open = await shell.enter(unlock, 90_000)
  expect(open.shown).toContain(`${file} is open to other accounts`)
  chmodSync(file, 0o600)
  writeFileSync(file, '')
  const refused = await shell.enter(unlock, 90_000)
  expect(refused.shown).toContain(`${file} holds no client secret`)
  expect(refused.code).toBe(78)
})

test('what can’t be taken over is said, and stays behind the passphrase', async () => {
  const made = await oidcHome()
  const { home } = made
  writeFileSync(policyFile(home), rules)
  await useKubelogin(made, '--grant-type=password')
  const { stderr, stdout } = good(await home.kubeguard(['adopt', '--yes']))
  expect(stderr).toMatch(/the log-in of me \(kubelogin, .*can’t be taken over: --grant-type=password: /)
  expect(stdout).toContain('exec-plugin')
  expect(readFileSync(policyFile(home), 'utf8')).toBe(rules)
})

test('under a policy that logs in there already nothing is written but the user; a token has to go elsewhere', async () => {
  const made = await oidcHome()
  const { home, browser } = made
  await config(home, 'unset', 'users.me')
  await config(home, 'set-credentials', 'me', '--token=a-token-of-others')
  const token = await home.kubeguard(['adopt'])
  expect(token.stdout).toMatch(
    /advice: me: policy corp unlocks by oidc \(https:.*\): let a policy that unlocks by passphrase match/,
  )
  const before = await useKubelogin(made)
  const written = readFileSync(policyFile(home), 'utf8')
  good(await home.kubeguard(['adopt', '--yes']))
  expect(readFileSync(policyFile(home), 'utf8')).toBe(written)
  using shell = await personIn(home, { BROWSER: browser })
  expect((await shell.enter('kubectl get pods', 90_000)).code).toBe(0)
  const undone = await home.kubeguard(['uninstall', '--yes', '--passphrase-fd', '3'], { fd3: passphrase })
  expect(undone).toMatchObject({ code: 0 })
  expect(parse(readFileSync(home.kubeconfig, 'utf8'))).toEqual(before)
})
