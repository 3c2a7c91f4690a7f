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
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { Extension } from '@peculiar/x509'

/** PEM, both. */
export interface CertifiedKey {
  readonly certPem: string
  readonly keyPem: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
/** For clocks that differ a little. */
const earlierMs = 60_000

/**
 * @param name of its subject: `CN=…`
 * @returns a new authority, good for `validMs`, which may sign leaves and nothing that signs
 */
export async function makeAuthority(name: string, validMs: number): Promise<CertifiedKey> {
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(validMs),
    name,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  })
  return { certPem: certificate.toString('pem'), keyPem: await exportKey(keys.privateKey) }
}

export interface Leaf {
  /** `CN=…`; must differ from the authority’s, or clients take it for self-signed. */
  readonly subject: string
  readonly validMs: number
  /** For a server: the names that it has. Absent: for a client. */
  readonly serves?: readonly { readonly type: 'ip' | 'dns'; readonly value: string }[]
}

/** @throws Error for an authority that can’t be read */
export async function issueLeaf(authority: CertifiedKey, leaf: Leaf): Promise<CertifiedKey> {
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.create({
    ...validity(leaf.validMs),
    subject: leaf.subject,
    issuer: new X509Certificate(authority.certPem).subject,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.keyPem),
    signingAlgorithm: algorithm,
    extensions: [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true), ...usesOf(leaf)],
  })
  return { certPem: certificate.toString('pem'), keyPem: await exportKey(keys.privateKey) }
}

function usesOf({ serves }: Leaf): Extension[] {
  if (serves === undefined) return [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])]
  return [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension([...serves]),
  ]
}

function validity(validMs: number): { serialNumber: string; notBefore: Date; notAfter: Date } {
  const now = Date.now()
  return {
    serialNumber: `40${randomBytes(8).toString('hex')}`,
    notBefore: new Date(now - earlierMs),
    notAfter: new Date(now + validMs),
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

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64')
  return crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
}
