import { expect, onTestFinished, test, vi } from 'vitest'
import { parse } from 'yaml'
import { ClusterSession } from '../../src/keeper/ephemeral/cluster-session.ts'
import { ownMachine } from '../../src/keeper/ephemeral/own-machine.ts'
import type { RevocationOrder } from '../../src/platform/revoker/start-revoker.ts'
import { until } from '../fixtures/terminal.ts'
import { apiServer } from './api-server.ts'
import { clientCertificate } from './credentials.ts'
import { admin, kubeconfigText, makeNamespace } from './fixture.ts'

const minuteMs = 60_000

/** A session as a keeper has it, opened by who may do everything, at a time of the test's own. */
async function openSession() {
  vi.useFakeTimers({ toFake: ['setInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const namespace = await makeNamespace()
  const { user, name } = await clientCertificate(`opener-${namespace}`)
  await admin(['create', 'clusterrolebinding', namespace, '--clusterrole=cluster-admin', `--user=${name}`])
  onTestFinished(async () => void (await admin(['delete', 'clusterrolebinding', namespace])))
  const mayMake = ['auth', 'can-i', 'create', 'clusterroles', '--as', name]
  await until('its rights', () => admin(mayMake).catch(() => undefined))
  const { clusters } = parse(kubeconfigText({}, namespace)) as {
    clusters: { cluster: { 'server': string; 'certificate-authority-data': string } }[]
  }
  const { server = '', 'certificate-authority-data': ca = '' } = clusters[0]?.cluster ?? {}
  const plain = (text = ''): string => Buffer.from(text, 'base64').toString()
  const orders: RevocationOrder[] = []
  let aheadMs = 0
  const session = new ClusterSession(
    {
      id: 'default.dev-00000000',
      policy: 'default',
      file: '',
      user: 'dev',
      contexts: [],
      clientCertificateData: plain(user['client-certificate-data']),
      clientKeyData: plain(user['client-key-data']),
      original: undefined,
      adoptedAtMs: 0,
    },
    { server, ca: plain(ca) },
    {
      order: { role: 'view', namespaces: [], home: namespace, lifetimeMs: 60 * minuteMs },
      machine: ownMachine(),
      revoker: { hold: (order) => void orders.push(order) },
      now: () => Date.now() + aheadMs,
    },
  )
  await session.open()
  onTestFinished(
    async () => void (await admin(['delete', 'clusterrole', session.name, '--ignore-not-found'])),
  )
  return { session, orders, namespace, pass: (ms: number): void => void (aheadMs += ms) }
}

test('tokens are renewed in time: a session’s when it is asked for, the ender’s before any lock could need it', async () => {
  const { session, orders, pass } = await openSession()
  const works = async (token: string): Promise<number> => apiServer.statusFor(token, '/api/v1/pods')
  const first = await session.token()
  expect(first.endsMs - Date.now()).toBeLessThanOrEqual(10 * minuteMs)
  expect(orders).toHaveLength(1)
  pass(4 * minuteMs)
  expect(await session.token()).toEqual(first)
  pass(2 * minuteMs)
  const [second, same] = await Promise.all([session.token(), session.token()])
  expect(second).toEqual(same)
  expect(second.text).not.toBe(first.text)
  expect(await works(second.text)).toBe(200)
  // The revoker knows how long it may have to try.
  expect(orders).toHaveLength(2)
  expect((orders[1] as { deadMs: number }).deadMs).toBeGreaterThan(second.endsMs)

  await session.lookAtEnder()
  expect(orders).toHaveLength(2)
  pass(20 * minuteMs)
  await session.lookAtEnder()
  expect(orders).toHaveLength(3)
  expect(orders[2]).not.toMatchObject({ token: (orders[1] as { token: string }).token })
})

test('one that was ended in the cluster says so, and how to go on', async () => {
  const { session, namespace, pass } = await openSession()
  await admin(['delete', 'clusterrole', session.name])
  const account = ['serviceaccount', session.name, '-n', namespace, '--ignore-not-found', '-o', 'name']
  const isGone = async (): Promise<boolean> => (await admin(['get', ...account])).stdout === ''
  await until('the end of its account', isGone, { withinMs: 30_000 })
  pass(11 * minuteMs)
  await expect(session.token()).rejects.toMatchObject({
    code: 'cluster-refused',
    cure: 'run: kubeguard lock default, then: kubeguard unlock default',
  })
})
