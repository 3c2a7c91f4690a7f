import '../../../src/platform/certificates/reflect-metadata.ts'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { webcrypto } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { X509CertificateGenerator } from '@peculiar/x509'
import { stringify } from 'yaml'
import type { AuditRule } from '../../../src/domain/audit-rules.ts'
import type { AuditJob } from '../../../src/platform/scribes/job.ts'
import { runScribe } from '../../../src/platform/scribes/run-scribe.ts'
import type { AuditFinding, AuditReport } from '../../../src/protocol/reports.ts'
import { write } from '../scribe/scribe-fixture.ts'

/** A home with nothing in it, and the audit of it by a scribe as it is shipped. */
export class AuditHome {
  readonly home = mkdtempSync(join(tmpdir(), 'kg-audit-'))
  readonly config = join(this.home, '.kube', 'config')

  constructor() {
    mkdirSync(join(this.home, '.kube'), { mode: 0o700 })
  }

  /** @returns the path, absolute */
  write(path: string, text: string, mode = 0o600): string {
    return write(join(this.home, path), text, mode)
  }

  /** Writes `.kube/config` with these users and clusters, each user with a context of its name. */
  kubeconfig(
    users: Record<string, object>,
    clusters: Record<string, object> = {},
    path = '.kube/config',
  ): string {
    return this.write(path, kubeconfigText(users, clusters))
  }

  audit(program: string, more: Partial<AuditJob> = {}): Promise<AuditReport> {
    return runScribe(
      { job: 'audit', paths: [this.config], home: this.home, searchPath: '/usr/bin:/bin', ...more },
      { program },
    )
  }

  /** What was found under one rule. */
  async found(program: string, rule: AuditRule, more: Partial<AuditJob> = {}): Promise<AuditFinding[]> {
    const { findings } = await this.audit(program, more)
    return findings.filter((finding) => finding.rule === rule)
  }

  [Symbol.dispose](): void {
    rmSync(this.home, { recursive: true, force: true })
  }
}

export function kubeconfigText(users: Record<string, object>, clusters: Record<string, object> = {}): string {
  return stringify({
    'apiVersion': 'v1',
    'kind': 'Config',
    'clusters': Object.entries(clusters).map(([name, cluster]) => ({ name, cluster })),
    'contexts': Object.keys(users).map((name) => ({
      name: `ctx-${name}`,
      context: { cluster: 'c', user: name },
    })),
    'current-context': '',
    'users': Object.entries(users).map(([name, user]) => ({ name, user })),
  })
}

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token that nobody signed. */
export const jwt = (claims: object): string =>
  `${base64url({ alg: 'RS256' })}.${base64url(claims)}.c2lnbmF0dXJl`

export const hoursFromNow = (hours: number): number => Math.floor(Date.now() / 1000) + hours * 3600

/** A client certificate of its own making, and its key; both in base64, as kubeconfigs have them. */
export async function clientCertificate({
  hours = 24 * 365,
  organisation = 'devs',
  rsaBits,
}: { hours?: number; organisation?: string; rsaBits?: number } = {}): Promise<{
  certificate: string
  key: string
}> {
  const algorithm =
    rsaBits === undefined
      ? { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
      : {
          name: 'RSASSA-PKCS1-v1_5',
          modulusLength: rsaBits,
          publicExponent: new Uint8Array([1, 0, 1]),
          hash: 'SHA-256',
        }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=alice, O=${organisation}`,
    notBefore: new Date(Date.now() - 3_600_000 * 48),
    notAfter: new Date(Date.now() + hours * 3_600_000),
    signingAlgorithm: algorithm,
    keys,
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return { certificate: base64(certificate.toString('pem')), key: base64(key) }
}
