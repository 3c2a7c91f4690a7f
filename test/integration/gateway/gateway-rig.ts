import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Gateway } from '../../../src/gateway/gateway.ts'
import type { GatewayOrder, HeldCredential } from '../../../src/platform/gateways/start-gateway.ts'
import { RequestLog } from '../../../src/gateway/request-log.ts'
import type { RequestRecord } from '../../../src/gateway/request-log.ts'
import { LocalPeers } from '../../../src/gateway/peers.ts'
import { passDigest } from '../../../src/platform/gateways/pass-digest.ts'
import { inspectProcess } from '../../../src/platform/processes/inspect.ts'
import { createAuthority } from '../../../src/playground/certificates.ts'
import type { ProcessId } from '../../../src/usecases/ports.ts'

/** A pass for this process, and so for what the tests start. */
export const pass = 'kgp-a-pass-of-these-tests'

export type Rules = Partial<Pick<GatewayOrder, 'deny' | 'impersonate'>>

/** A gateway in this process, before API servers that a test has started. */
export class GatewayRig {
  readonly gateway: Gateway
  readonly port: number
  readonly caPem: string
  readonly folder = mkdtempSync(join(tmpdir(), 'kg-gateway-'))

  /** What the journal of requests would be told. */
  readonly records: readonly RequestRecord[]

  private constructor(gateway: Gateway, port: number, caPem: string, records: readonly RequestRecord[]) {
    this.records = records
    this.gateway = gateway
    this.port = port
    this.caPem = caPem
  }

  static async start(credential: HeldCredential, rules: Rules = {}): Promise<GatewayRig> {
    const authority = await createAuthority()
    const { certPem, keyPem } = await authority.serverCertificate()
    const records: RequestRecord[] = []
    const requests = new RequestLog({
      nowMs: () => performance.now(),
      // What is said at a begin is to be remembered, and no entry.
      tell: (record) => record.phase === undefined && records.push(record),
    })
    const gateway = new Gateway(
      { policy: 'prod', port: 0, certPem, keyPem, deny: [], impersonate: 'never', ...rules },
      { wallMs: () => Date.now(), peers: new LocalPeers(), requests },
    )
    const rig = new GatewayRig(gateway, await gateway.listen(), authority.caPem, records)
    gateway.hold(credential)
    gateway.admit(passDigest(pass), {
      credential: credential.id,
      client: self(),
      program: 'tests',
      untilWallMs: Date.now() + 3_600_000,
    })
    onTestFinished(() => rig.close())
    return rig
  }

  url(slug = 'play'): string {
    return `https://127.0.0.1:${this.port}/${slug}`
  }

  /** A kubeconfig as adopt makes it, but with the pass in the place of the plugin. */
  kubeconfig(slug = 'play', token = pass): string {
    const cluster = {
      'server': this.url(slug),
      'certificate-authority-data': Buffer.from(this.caPem).toString('base64'),
    }
    return JSON.stringify({
      'apiVersion': 'v1',
      'kind': 'Config',
      'clusters': [{ name: 'c', cluster }],
      'users': [{ name: 'u', user: { token } }],
      'contexts': [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    })
  }

  /** Starts a client with this rig's kubeconfig. */
  start(program: string, args: readonly string[], kubeconfig = this.kubeconfig()): Client {
    const file = join(this.folder, 'config')
    writeFileSync(file, kubeconfig, { mode: 0o600 })
    const client = new Client(program, args, {
      PATH: '/usr/bin:/bin',
      HOME: this.folder,
      KUBECONFIG: file,
    })
    onTestFinished(() => client.kill())
    return client
  }

  close(): void {
    this.gateway.end()
    this.gateway.cut()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A program that runs, and what it has said so far. */
export class Client {
  readonly #child
  readonly ended: Promise<number | null>
  readonly #out: Buffer[] = []
  readonly #err: Buffer[] = []

  constructor(program: string, args: readonly string[], env: Record<string, string>) {
    this.#child = spawn(program, args, { env })
    this.#child.stdout.on('data', (chunk: Buffer) => this.#out.push(chunk))
    this.#child.stderr.on('data', (chunk: Buffer) => this.#err.push(chunk))
    this.#child.stdin.on('error', () => {})
    this.ended = once(this.#child, 'close').then(([code]) => code as number | null)
  }

  get output(): Buffer {
    return Buffer.concat(this.#out)
  }

  get stdout(): string {
    return this.output.toString()
  }

  get stderr(): string {
    return Buffer.concat(this.#err).toString()
  }

  type(input: string | Buffer): void {
    this.#child.stdin.write(input)
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** Gives it the input, and waits for its end. */
  async finish(
    input: string | Buffer = '',
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    this.#child.stdin.end(input)
    const code = await this.ended
    return { code, stdout: this.stdout, stderr: this.stderr }
  }
}

export function self(): ProcessId {
  const { pid, startTicks } = inspectProcess(process.pid) as ProcessId
  return { pid, startTicks }
}
