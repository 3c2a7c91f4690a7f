import { expect, test } from 'vitest'
import { dirname } from 'node:path'
import { sessionOf } from '../fixtures/held-home.ts'
import { good, passphrase } from '../fixtures/home.ts'
import { until } from '../fixtures/terminal.ts'
import { Way } from '../fixtures/way.ts'
import { apiServer } from './api-server.ts'
import { copiedToken } from '../fixtures/copied-token.ts'
import { ephemeralHome, objectsOf, ownersOf } from './ephemeral-home.ts'
import { adminGet, cluster, kubectls } from './fixture.ts'

const whoami = ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}']

test('a session is an identity of its own, and the API server refuses its token after the lock', async () => {
  const made = await ephemeralHome()
  const { home, namespace, sessions, person } = made
  const unlocked = await home.unlock('default')
  expect(unlocked.stderr).toContain('with the role view, by an identity that its lock deletes in the cluster')
  const [owner = ''] = await ownersOf(sessions)
  expect(owner).toMatch(/^kubeguard-session\.person-kg-[0-9a-f]{8}\..+\.[0-9a-f]{10}$/)
  expect(good(await home.kubectl(whoami)).stdout).toBe(`system:serviceaccount:${sessions}:${owner}`)
  expect(good(await home.realKubectl(['get', 'pods'])).stderr).toContain('No resources found')
  expect((await home.kubectl(['create', 'configmap', 'mine'])).stderr).toContain('forbidden')

  const { metadata } = await adminGet<{ metadata: { annotations: Record<string, string> } }>(
    'clusterrole',
    owner,
  )
  expect(metadata.annotations).toMatchObject({
    'kubeguard.dev/person': person,
    'kubeguard.dev/policy': 'default',
  })
  expect(good(await home.kubeguard(['status'])).stdout).toContain('strength cluster: as view')

  const pods = `/api/v1/namespaces/${namespace}/pods`
  const token = await copiedToken(made)
  expect(await apiServer.statusFor(token, pods)).toBe(200)
  await home.lock()
  await until('403 or 401', async () => (await apiServer.statusFor(token, pods)) > 400, { withinMs: 10_000 })
  await until('401', async () => (await apiServer.statusFor(token, pods)) === 401, { withinMs: 30_000 })
  await until('no object left', async () => (await objectsOf(made)).length === 0, { withinMs: 30_000 })
  expect((await home.kubectl(['get', 'pods'])).code).toBe(77)
})

test('an API server that can’t be reached: told at the unlock, pending at the lock, ended when it is back', async () => {
  const way = await Way.open(apiServer.address)
  const made = await ephemeralHome({ server: way.server })
  const { home, sessions } = made
  way.close()
  const unlocked = await home.unlock('default')
  expect(unlocked.stderr).toMatch(/no session for dev: .* can’t be reached/)
  const refused = await home.realKubectl(['get', 'pods'])
  expect(refused.code).not.toBe(0)
  expect(refused.stderr).toContain('can’t be reached')
  way.reopen()
  // Tried again when a client asks, but not at once.
  await until('a session', async () => (await home.realKubectl(['get', 'pods'])).code === 0, {
    withinMs: 40_000,
  })
  const token = await copiedToken(made)

  way.close()
  await home.lock()
  const status = async (): Promise<string> => (await home.kubeguard(['status'])).stdout
  await until('a pending revocation', async () => (await status()).includes('revocation pending'))
  expect(await ownersOf(sessions)).toHaveLength(1)
  way.reopen()
  await until('no object left', async () => (await objectsOf(made)).length === 0, { withinMs: 40_000 })
  await until('nothing pending', async () => !(await status()).includes('revocation pending'), {
    withinMs: 20_000,
  })
  expect(await apiServer.statusFor(token, `/api/v1/namespaces/${made.namespace}/pods`)).toBeGreaterThan(400)
})

test('more rights by choice, for a shorter time; setup is applied and removed with its sessions', async () => {
  const made = await ephemeralHome({ roles: 'view, { role: edit, for: 20m }', isWide: true })
  const { home, sessions } = made
  const unlocked = await home.unlock('default', '--role', 'edit')
  expect(unlocked.stderr).toContain('with the role edit')
  const { role, lifetimeMs } = await sessionOf(home)
  expect({ role, lifetimeMs }).toEqual({ role: 'edit', lifetimeMs: 20 * 60_000 })
  good(await home.kubectl(['create', 'configmap', 'mine']))
  expect((await home.kubectl(['get', 'clusterroles'])).stderr).toContain('forbidden')
  const other = await home.kubeguard(['unlock', 'default', '--role', 'view', '--passphrase-fd', '3'], {
    fd3: passphrase,
  })
  expect(other).toMatchObject({ code: 64 })
  expect(other.stderr).toContain('default is unlocked as edit')

  const asAdmin = {
    env: { KUBECONFIG: cluster.kubeconfig, PATH: `${dirname(kubectls[0]?.path ?? '')}:/usr/bin:/bin` },
  }
  const again = await home.kubeguard(['cluster', 'setup', '--user', made.person, '--apply', '--yes'], asAdmin)
  expect(good(again).stderr).toContain('is set up already')
  good(await home.kubeguard(['cluster', 'gc'], asAdmin))
  expect(await ownersOf(sessions)).toHaveLength(1)
  good(await home.kubeguard(['cluster', 'remove', '--yes'], asAdmin))
  expect(await ownersOf(sessions)).toEqual([])
  expect((await home.realKubectl(['get', 'pods'])).code).not.toBe(0)
  await home.lock()
})
