import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { good } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import { until } from '../fixtures/terminal.ts'
import { admin, adminGet, clusterHome, kubeconfigText, makeNamespace } from './fixture.ts'
import { clientCertificate } from './credentials.ts'

export interface Ephemeral {
  readonly home: TestHome
  /** Where its roles hold. */
  readonly namespace: string
  /** Where the sessions' own objects are. */
  readonly sessions: string
  /** Whom the API server takes the vault's credential for. */
  readonly person: string
}

interface Options {
  readonly roles?: string
  /** The roles hold in the whole cluster. */
  readonly isWide?: boolean
  /** The kubeconfig leads here, and not to the API server itself. */
  readonly server?: string
  readonly more?: string
}

/**
 * A home whose credential may open sessions and do nothing else: what `kubeguard cluster setup` printed was applied for it.
 * Everything is taken away again when the test is over, sessions that were left open included.
 */
export async function ephemeralHome(options: Options = {}): Promise<Ephemeral> {
  const { roles = 'view, edit', isWide = false, server, more = '' } = options
  const namespace = await makeNamespace()
  const sessions = `kg-s-${randomBytes(4).toString('hex')}`
  const { user, name: person } = await clientCertificate(`Person@${namespace}`)
  const home = clusterHome({ namespace, credentials: { dev: user } })
  if (server !== undefined) leadTo(home, user, namespace, server)
  const where = isWide ? '' : `namespaces: [${namespace}], `
  writePolicy(home, {
    idle: '10m',
    more: `    credential: ephemeral\n    ephemeral: { roles: [${roles}], ${where}home: ${sessions} }\n${more}`,
  })
  await home.init()
  const setup = good(await home.kubeguard(['cluster', 'setup', 'default', '--user', person])).stdout
  await admin(['apply', '--server-side', '-f', '-'], setup)
  onTestFinished(async () => {
    await home.dispose()
    await admin(['delete', '--wait=false', '--ignore-not-found', '-f', '-'], setup)
    const left = await ownersOf(sessions)
    if (left.length > 0) await admin(['delete', 'clusterroles', ...left])
  })
  await untilInForce(person)
  return { home, namespace, sessions, person }
}

/** The kubeconfig's cluster at another address, which passes on to it. */
function leadTo(home: TestHome, user: object, namespace: string, server: string): void {
  const text = kubeconfigText({ dev: user }, namespace).replace(/server: \S+/, `server: ${server}`)
  writeFileSync(home.kubeconfig, text, { mode: 0o600 })
}

/** An admission policy is obeyed a moment after it was made. */
export async function untilInForce(person: string): Promise<void> {
  const args = ['delete', 'clusterrole', 'view', '--as', person, '--dry-run=server']
  await until('the admission policy in force', async () => {
    const refused = await admin(args).then(
      () => '',
      (error: unknown) => String(error),
    )
    return refused.includes('changes nothing else here')
  })
}

/** @returns the names of all that sessions with objects in this namespace still have, of every kind. */
export async function objectsOf({
  namespace,
  sessions,
}: Pick<Ephemeral, 'namespace' | 'sessions'>): Promise<string[]> {
  const names = async (...args: string[]): Promise<string[]> => {
    const { stdout } = await admin(['get', ...args, '-l', 'kubeguard.dev/session', '-o', 'name'])
    return stdout.split('\n').filter(Boolean)
  }
  const all = await Promise.all([
    names('serviceaccounts,secrets,roles,rolebindings', '-n', sessions),
    names('roles,rolebindings', '-n', namespace),
    ownersOf(sessions),
    ownersOf(sessions, 'clusterrolebindings'),
  ])
  return all.flat()
}

/** @returns the names of the objects that sessions own, or are owned by, outside of any namespace. */
export async function ownersOf(sessions: string, kind = 'clusterroles'): Promise<string[]> {
  type List = { items: { metadata: { name: string; annotations: Record<string, string> } }[] }
  const { items } = await adminGet<List>(kind, '-l', 'kubeguard.dev/session')
  return items
    .filter(({ metadata }) => metadata.annotations['kubeguard.dev/home'] === sessions)
    .map(({ metadata }) => metadata.name)
}
