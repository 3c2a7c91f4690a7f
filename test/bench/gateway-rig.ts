import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { issueLeaf, makeAuthority } from '../../src/platform/certificates/certificates.ts'
import { findFreePort } from '../../src/platform/free-port.ts'
import { passDigest } from '../../src/platform/gateways/pass-digest.ts'
import { startGateway } from '../../src/platform/gateways/start-gateway.ts'
import { KeeperChannel } from '../../src/platform/keepers/channel.ts'
import { inspectProcess } from '../../src/platform/processes/inspect.ts'
import type { ProcessId } from '../../src/usecases/ports.ts'
import { node } from '../fixtures/terminal.ts'
import { kubectl } from '../fixtures/tools.ts'

const hourMs = 3_600_000
const pass = 'kgp-of-the-bench'

/** An API server, and a token for it. */
export interface BenchServer {
  readonly address: string
  readonly caPem: string
  readonly token: string
}

/** One that answers at once, in a process of its own: it shall not share a thread with those who measure it. */
export async function startServer(): Promise<BenchServer & { close(): void }> {
  const child = spawn(node, [join(import.meta.dirname, 'gateway-server.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { ...(JSON.parse(line) as BenchServer), close: () => child.kill('SIGKILL') }
}

/** An API server, before it a gateway, and `kubectl proxy`. */
export class GatewayBench {
  readonly server: BenchServer
  readonly gateway: { readonly url: string; readonly caPem: string; readonly pid: number }
  readonly proxyUrl: string
  readonly #undo: (() => unknown)[]
  readonly #folder: string
  readonly #line: { destroy(): unknown }
  readonly #proxy: ChildProcess

  private constructor(parts: {
    server: BenchServer
    gateway: GatewayBench['gateway']
    proxyUrl: string
    line: { destroy(): unknown }
    proxy: ChildProcess
    folder: string
    undo: (() => unknown)[]
  }) {
    this.#folder = parts.folder
    this.server = parts.server
    this.gateway = parts.gateway
    this.proxyUrl = parts.proxyUrl
    this.#line = parts.line
    this.#proxy = parts.proxy
    this.#undo = parts.undo
  }

  static async open(server: BenchServer): Promise<GatewayBench> {
    const { line, gateway } = await startBehind(server)
    const folder = mkdtempSync(join(tmpdir(), 'kg-bench-'))
    const { proxy, proxyUrl } = await startProxy(server, folder)
    const undo = [
      () => proxy.kill('SIGKILL'),
      () => line.destroy(),
      () => rmSync(folder, { recursive: true, force: true }),
    ]
    return new GatewayBench({ server, gateway, proxyUrl, line, proxy, folder, undo })
  }

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${pass}` }
  }

  /** A forwarded port of a pod. @param pod `NAMESPACE/NAME` */
  async forward(pod: string, way: 'direct' | 'gateway'): Promise<{ port: number } & Disposable> {
    const [namespace = '', name = ''] = pod.split('/')
    const { server, gateway } = this
    const file = join(this.#folder, way)
    const by =
      way === 'direct'
        ? { server: server.address, caPem: server.caPem, token: server.token }
        : { server: gateway.url, caPem: gateway.caPem, token: pass }
    writeKubeconfig(file, by)
    const args = ['port-forward', '-n', namespace, `pod/${name}`, ':8080']
    const child = spawn(kubectl(), args, {
      env: { PATH: '/usr/bin:/bin', HOME: this.#folder, KUBECONFIG: file },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>
    const ended = once(child, 'exit').then(() => ['nothing is forwarded'])
    const [line = ''] = await Promise.race([said, ended])
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1])
    return { port, [Symbol.dispose]: () => child.kill('SIGKILL') }
  }

  /** As a lock does it. */
  endGateway(): void {
    this.#line.destroy()
  }

  endProxy(): void {
    this.#proxy.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#undo) await one()
  }
}

async function startBehind(
  server: BenchServer,
): Promise<{ line: { destroy(): unknown }; gateway: GatewayBench['gateway'] }> {
  const authority = await makeAuthority('CN=bench', hourMs)
  const leaf = await issueLeaf(authority, {
    subject: 'CN=bench gateway',
    validMs: hourMs,
    serves: [{ type: 'ip', value: '127.0.0.1' }],
  })
  let pid = 0
  const port = await findFreePort()
  const rules = { deny: [], impersonate: 'never' } as const
  const started = await startGateway({ policy: 'bench', port, ...rules, ...leaf }, (id) => (pid = id.pid))
  // As a keeper hears of requests, to pass them on.
  const channel = new KeeperChannel(started.line, { 'gateway.request': () => ({}) })
  started.line.resume()
  const upstreams = [{ slug: 'api', server: server.address, caPem: server.caPem }]
  const credential = Buffer.from(JSON.stringify({ id: 'bench.a', token: server.token, upstreams }))
  channel.tell('gateway.hold', { credential })
  const { startTicks } = inspectProcess(process.pid) as ProcessId
  channel.tell('gateway.admit', {
    digest: passDigest(pass),
    credential: 'bench.a',
    pid: process.pid,
    startTicks,
    untilWallMs: Date.now() + hourMs,
  })
  const gateway = { url: `https://127.0.0.1:${port}/api`, caPem: authority.certPem, pid }
  return { line: started.line, gateway }
}

async function startProxy(
  server: BenchServer,
  folder: string,
): Promise<{ proxy: ChildProcess; proxyUrl: string }> {
  const file = join(folder, 'config')
  writeKubeconfig(file, { server: server.address, caPem: server.caPem, token: server.token })
  const proxy = spawn(kubectl(), ['proxy', '--port=0'], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, KUBECONFIG: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const proxyUrl = await new Promise<string>((resolve, reject) => {
    proxy.once('exit', () => reject(new Error('kubectl proxy ended')))
    proxy.stdout.on('data', (chunk: Buffer) => {
      const found = /127\.0\.0\.1:\d+/.exec(String(chunk))?.[0]
      if (found !== undefined) resolve(`http://${found}`)
    })
  })
  return { proxy, proxyUrl }
}

function writeKubeconfig(file: string, by: { server: string; caPem: string; token: string }): void {
  const cluster = {
    'server': by.server,
    'certificate-authority-data': Buffer.from(by.caPem).toString('base64'),
  }
  const config = {
    'apiVersion': 'v1',
    'kind': 'Config',
    'clusters': [{ name: 'c', cluster }],
    'users': [{ name: 'u', user: { token: by.token } }],
    'contexts': [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
}

/** Watches on HTTP/2 connections of ten each, all begun. */
export class Watches {
  readonly #streams: ClientHttp2Stream[] = []
  readonly #sessions: ClientHttp2Session[] = []

  async open({ gateway, headers }: GatewayBench, count: number): Promise<void> {
    const origin = new URL(gateway.url).origin
    while (this.#streams.length < count) {
      const session = connect(origin, { ca: gateway.caPem })
      session.on('error', () => {})
      this.#sessions.push(session)
      const begun = Array.from({ length: 10 }, () => this.#begin(session, headers))
      await Promise.all(begun)
    }
  }

  #begin(session: ClientHttp2Session, headers: Record<string, string>): Promise<unknown> {
    const stream = session.request({ ':path': '/api/api/v1/pods?watch=true', ...headers })
    this.#streams.push(stream)
    stream.on('error', () => {})
    return new Promise((resolve) => stream.once('data', resolve))
  }

  /** Resolves when the last has ended. */
  ended(): Promise<unknown> {
    return Promise.all(
      this.#streams.map((stream) => new Promise<void>((resolve) => void stream.once('close', resolve))),
    )
  }

  close(): void {
    for (const session of this.#sessions) session.destroy()
  }
}
