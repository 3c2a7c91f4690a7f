import { expect, test } from 'vitest'
import { good } from '../fixtures/home.ts'
import { until } from '../fixtures/terminal.ts'
import { copiedToken, ephemeralHome, objectsOf, statusFor } from './ephemeral-home.ts'
import { adminGet } from './fixture.ts'

const whoami = ['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}']

test('a session is an identity of its own, and the API server refuses its token after the lock', async () => {
  const made = await ephemeralHome()
  const { home, namespace, sessions, person } = made
  const unlocked = await home.unlock('default')
  expect(unlocked.stderr).toContain('with the role view, by an identity that its lock deletes in the cluster')
  const [owner = ''] = (await objectsOf(made)).filter((name) => name.startsWith('kubeguard-session.'))
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
  expect(await statusFor(token, pods)).toBe(200)
  await home.lock()
  await until('403 or 401', async () => (await statusFor(token, pods)) > 400, { withinMs: 10_000 })
  await until('401', async () => (await statusFor(token, pods)) === 401, { withinMs: 30_000 })
  await until('no object left', async () => (await objectsOf(made)).length === 0, { withinMs: 30_000 })
  expect((await home.kubectl(['get', 'pods'])).code).toBe(77)
})
