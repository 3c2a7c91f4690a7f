import { chownSync, writeFileSync } from 'node:fs'
import { good } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { until } from '../fixtures/terminal.ts'
import { apiServer } from './api-server.ts'
import { clientCertificate } from './credentials.ts'
import { ownersOf, untilInForce } from './ephemeral-home.ts'
import { admin, adminGet, kubeconfigText } from './fixture.ts'

export { copiedDocument, copiedToken } from '../fixtures/copied-token.ts'

/** Where the role of the attackers' sessions holds, and where their own objects are. */
const namespace = 'kg-siege-place'
const sessions = 'kg-siege-sessions'
const person = 'kg-siege-person'

/** The role is one that could give rights away. */
export const rules = {
  idle: '10m',
  more: `    credential: ephemeral\n    ephemeral: { roles: [admin], namespaces: [${namespace}], home: ${sessions} }\n`,
}

let setup = ''

/** Gives the home a credential that may open sessions, and what the cluster needs for them. */
export async function prepare(home: TestHome): Promise<void> {
  await clearAway()
  await untilGone()
  await admin(['create', 'namespace', namespace])
  const { user } = await clientCertificate(person)
  const text = kubeconfigText({ 'playground': user, 'prod-playground': { ...user } }, namespace)
  writeFileSync(home.kubeconfig, text, { mode: 0o600 })
  if (home.account !== undefined) chownSync(home.kubeconfig, home.account.uid, home.account.gid)
  setup = good(await home.kubeguard(['cluster', 'setup', 'default', '--user', person])).stdout
  await admin(['apply', '--server-side', '-f', '-'], setup)
  await untilInForce(person)
}

/** A run that was broken off may have left them. */
async function untilGone(): Promise<void> {
  const names = [namespace, sessions]
  const left = async (): Promise<string> =>
    (await admin(['get', 'namespaces', ...names, '--ignore-not-found', '-o', 'name'])).stdout
  await until('the namespaces gone', async () => (await left()) === '', { withinMs: 60_000 })
}

/** Takes away what there is of all that, however far it came. */
export async function clearAway(): Promise<void> {
  if (setup !== '') await admin(['delete', '--wait=false', '--ignore-not-found', '-f', '-'], setup)
  await admin(['delete', 'namespace', namespace, '--wait=false', '--ignore-not-found'])
  const owners = [...(await ownersOf(sessions)), 'kg-siege-role']
  await admin(['delete', 'clusterroles', '--ignore-not-found', ...owners])
}

export const works = async (token: string): Promise<boolean> =>
  (await apiServer.statusFor(token, `/api/v1/namespaces/${namespace}/pods`)) === 200

const rbac = 'rbac.authorization.k8s.io'

/** @returns what a session got that would be there when it is over, or that is another's */
export async function widenings(token: string): Promise<string[]> {
  const place = `/apis/${rbac}/v1/namespaces/${namespace}`
  const core = `/api/v1/namespaces/${namespace}`
  const [owner = ''] = await ownersOf(sessions)
  const binding = {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata: { name: 'mine' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'admin' },
    subjects: [{ apiGroup: rbac, kind: 'User', name: 'mallory' }],
  }
  const legacy = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/service-account-token',
    metadata: { name: 'endless', annotations: { 'kubernetes.io/service-account.name': 'default' } },
  }
  const ask = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }
  const acts: Record<string, Promise<number>> = {
    'a role bound to somebody': apiServer.statusFor(token, `${place}/rolebindings`, 'POST', binding),
    'a token of another account': apiServer.statusFor(
      token,
      `${core}/serviceaccounts/default/token`,
      'POST',
      ask,
    ),
    'a token without an end': apiServer.statusFor(token, `${core}/secrets`, 'POST', legacy),
    'its own binding deleted': apiServer.statusFor(token, `${place}/rolebindings/${owner}`, 'DELETE'),
    'a token of its own account': apiServer.statusFor(
      token,
      `/api/v1/namespaces/${sessions}/serviceaccounts/${owner}/token`,
      'POST',
      ask,
    ),
    'its owner deleted': apiServer.statusFor(token, `/apis/${rbac}/v1/clusterroles/${owner}`, 'DELETE'),
  }
  const statuses = await Promise.all(
    Object.entries(acts).map(async ([name, status]) => [name, await status] as const),
  )
  if (statuses.some(([, status]) => status !== 403 && status >= 400))
    throw new Error(`not refused, but failed: ${statuses.join('; ')}`)
  return statuses.filter(([, status]) => status < 400).map(([name]) => name)
}

/**
 * Roles that carry every mark of this person's leftovers, but are none; and one that is.
 * @returns whether any of the others is gone, once that one is
 */
export async function forgeLeftovers(): Promise<{ isGone: () => Promise<boolean> }> {
  const [owner = ''] = await ownersOf(sessions)
  type Marked = { metadata: { labels: Record<string, string>; annotations: Record<string, string> } }
  const { metadata } = await adminGet<Marked>('clusterrole', owner)
  const annotations = { ...metadata.annotations, 'kubeguard.dev/ends': new Date(0).toISOString() }
  const make = (name: string, id: string | undefined, verbs: readonly string[]): Promise<unknown> => {
    const labels = { ...metadata.labels, ...(id !== undefined && { 'kubeguard.dev/session': id }) }
    const rules = [{ apiGroups: [rbac], resources: ['clusterroles'], resourceNames: [name], verbs }]
    const role = {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name, labels, annotations },
      rules,
    }
    return admin(['create', '-f', '-'], JSON.stringify(role))
  }
  const named = (id: string): string => owner.replace(/[0-9a-f]{10}$/, id)
  const forged = ['kg-siege-role', named('0123456789'), named('fffffffffe')]
  const [someRole = '', otherId = '', otherRules = ''] = forged
  const last = named('ffffffffff')
  await make(someRole, undefined, ['delete'])
  await make(otherId, '1111111111', ['delete'])
  await make(otherRules, 'fffffffffe', ['get'])
  await make(last, 'ffffffffff', ['delete'])
  const names = async (): Promise<string[]> =>
    (await admin(['get', 'clusterroles', '-o', 'name'])).stdout.split('\n')
  const isThere = (all: readonly string[], name: string): boolean =>
    all.includes(`clusterrole.${rbac}/${name}`)
  return {
    async isGone() {
      // They are gone through in the order of their names.
      await until('the end of what was left', async () => !isThere(await names(), last), { withinMs: 30_000 })
      const there = await names()
      await admin(['delete', 'clusterroles', ...forged, '--ignore-not-found'])
      return !forged.every((name) => isThere(there, name))
    },
  }
}
