import './reflect-metadata.ts'
import { randomBytes } from 'node:crypto'
import type { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { Extension, X509Certificate } from '@peculiar/x509'

export interface CertifiedKey {
  readonly certPem: string
  readonly keyPem: string
}

/** Signs the server's certificate and the clients'. Made anew for each playground, kept in memory only. */
export interface Authority {
  readonly caPem: string
  serverCertificate(): Promise<CertifiedKey>
  clientCertificate(user: string, groups: readonly string[]): Promise<CertifiedKey>
}

interface Issuer {
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 24 * 60 * 60 * 1000
const loopback = '127.0.0.1'

/** @returns a new certificate authority, good for a day. */
export async function createAuthority(): Promise<Authority> {
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: 'CN=kubeguard playground CA',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  })
  const issuer = { certificate, keys }
  return {
    caPem: certificate.toString('pem'),
    // The leaf's CN must differ from the CA's: clients take it for self-signed otherwise.
    serverCertificate: () => issue(issuer, 'CN=kubeguard playground server', serverExtensions()),
    clientCertificate: (user, groups) => issue(issuer, subject(user, groups), clientExtensions()),
  }
}

function serverExtensions(): Extension[] {
  return [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension([
      { type: 'ip', value: loopback },
      { type: 'dns', value: 'localhost' },
    ]),
  ]
}

function clientExtensions(): Extension[] {
  return [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])]
}

/** Kubernetes reads the user's name from CN and the groups from O (its "X509 client certificates" strategy). */
function subject(user: string, groups: readonly string[]): string {
  return [`CN=${user}`, ...groups.map((group) => `O=${group}`)].join(', ')
}

async function issue(issuer: Issuer, name: string, extensions: Extension[]): Promise<CertifiedKey> {
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.create({
    ...validity(),
    subject: name,
    issuer: issuer.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true), ...extensions],
  })
  return { certPem: certificate.toString('pem'), keyPem: await exportKey(keys.privateKey) }
}

function validity(): { serialNumber: string; notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return {
    serialNumber: `40${randomBytes(8).toString('hex')}`,
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + dayMs),
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key))
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`
}
