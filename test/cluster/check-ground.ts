import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { ClusterReport } from '../../src/cluster-check/report.ts'
import { good } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { repository, until } from '../fixtures/terminal.ts'
import { startApiServer } from './second-api-server.ts'
import type { ApiServer } from './second-api-server.ts'
import { boundToken, clientCertificate } from './credentials.ts'
import { admin, cluster, clusterHome, kubeconfigText, makeNamespace } from './fixture.ts'

const page = readFileSync(join(repository, 'docs', 'cluster-check.md'), 'utf8')

/** A block of YAML of the page that users read. */
export function fromPage(mark: string): string {
  const [, text = ''] = new RegExp(`<!-- ${mark} -->\n\`\`\`yaml\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  return text
}

/**
 * A home with contexts of several credentials: `dev`, a service account that has the page’s rights within `withRights`;
 * `nobody`, one without any; `certificate`; `masters`, of system:masters. Where the cluster is ours each is there three
 * times more, for other API servers: `dev-open` for one with every gap that a flag can make, `dev-closed` for one with none, `dev-silent` for one that does
 * not say its flags.
 */
export class CheckGround {
  namespace = ''
  home!: TestHome
  /** Of `dev-closed`: it lets nobody in without a credential but probes. */
  authenticationFile = ''
  readonly #undo: (() => Promise<unknown>)[] = []

  async make(): Promise<void> {
    this.namespace = await makeNamespace((remove) => this.#undo.push(remove))
    const { namespace } = this
    const dev = { token: await boundToken(namespace, 'checker') }
    const nobody = { token: await boundToken(namespace, 'nobody') }
    await admin(['delete', 'rolebinding', 'checker', 'nobody', '-n', namespace])
    const { user: certificate } = await clientCertificate(this.named('person'))
    const role = fromPage('role').replace('name: kubeguard-check', `name: ${this.named('check')}`)
    await admin(['create', '-f', '-'], role)
    this.#undo.push(() => admin(['delete', 'clusterrole', this.named('check')]))
    const servers = cluster.staticToken === undefined ? {} : await this.#startServers()
    this.home = clusterHome({ namespace, credentials: {} })
    this.#undo.push(() => this.home.dispose())
    const masters = { token: cluster.staticToken ?? 'none' }
    const text = kubeconfigText({ dev, nobody, certificate, masters }, namespace)
    writeFileSync(this.home.kubeconfig, withServers(text, servers), { mode: 0o600 })
    await this.home.init()
    await this.home.unlock('default')
  }

  async undo(): Promise<void> {
    for (const each of this.#undo.toReversed()) await each()
  }

  /** The cluster is everybody’s: what we make in it has a name of ours. */
  named(what: string): string {
    return `${what}-${this.namespace}`
  }

  async check(context: string, ...args: string[]): Promise<ClusterReport> {
    const run = await this.run(context, '--json', '--fail-on', 'never', ...args)
    return JSON.parse(good(run).stdout) as ClusterReport
  }

  run(context: string, ...args: string[]) {
    return this.home.kubeguard(['cluster', 'check', '--context', context, ...args], { timeoutMs: 120_000 })
  }

  /** Binds the page’s role to `dev` for as long as `within` goes on. */
  async withRights(within: () => Promise<void>): Promise<void> {
    const binding = ['clusterrolebinding', this.named('check')]
    const subject = `--serviceaccount=${this.namespace}:checker`
    await admin(['create', ...binding, `--clusterrole=${this.named('check')}`, subject])
    try {
      // Each API server takes a moment to know.
      for (const context of (
        await this.home.realKubectl(['config', 'get-contexts', '-o', 'name'])
      ).stdout.split('\n'))
        if (context.startsWith('dev'))
          await until('the rights', async () => {
            const run = await this.home.kubectl(['auth', 'can-i', 'list', 'nodes', `--context=${context}`])
            return run.code === 0
          })
      await within()
    } finally {
      await admin(['delete', ...binding])
    }
  }

  async #startServers(): Promise<Readonly<Record<string, ApiServer>>> {
    const folder = mkdtempSync(join(tmpdir(), 'kg-audit-'))
    this.#undo.push(() => Promise.resolve(rmSync(folder, { recursive: true, force: true })))
    const policy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Metadata' }] }
    writeFileSync(join(folder, 'policy.yaml'), stringify(policy))
    const conditions = ['/livez', '/readyz', '/healthz'].map((path) => ({ path }))
    const authentication = {
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AuthenticationConfiguration',
      anonymous: { enabled: true, conditions },
    }
    this.authenticationFile = join(folder, 'authentication.yaml')
    writeFileSync(this.authenticationFile, stringify(authentication))
    const open = await startApiServer({
      'oidc-issuer-url': 'https://login.example.com',
      'oidc-client-id': 'kubernetes',
    })
    this.#undo.push(() => open.stop())
    const closed = await startApiServer({
      'token-auth-file': undefined,
      'authentication-config': this.authenticationFile,
      'service-account-max-token-expiration': '1h',
      'service-account-extend-token-expiration': 'false',
      'audit-policy-file': join(folder, 'policy.yaml'),
      'audit-log-path': join(folder, 'audit.log'),
    })
    this.#undo.push(() => closed.stop())
    const silent = await startApiServer({ 'feature-gates': 'ComponentFlagz=false' })
    this.#undo.push(() => silent.stop())
    return { open, closed, silent }
  }
}

interface Named {
  readonly name: string
}

/** Beside each context `NAME` one `NAME-SERVER` for each of these. */
function withServers(text: string, servers: Readonly<Record<string, ApiServer>>): string {
  const config = parse(text) as { clusters: Named[]; contexts: (Named & { context: object })[] }
  const clusters = Object.entries(servers).map(([name, { url, caPem }]) => ({
    name,
    cluster: { 'server': url, 'certificate-authority-data': Buffer.from(caPem).toString('base64') },
  }))
  const contexts = clusters.flatMap(({ name }) =>
    config.contexts.map((each) => ({
      name: `${each.name}-${name}`,
      context: { ...each.context, cluster: name },
    })),
  )
  const all = {
    clusters: [...config.clusters, ...clusters],
    contexts: [...config.contexts, ...contexts],
  }
  return stringify({ ...config, ...all }, { lineWidth: 0 })
}
