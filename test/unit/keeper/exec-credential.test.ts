import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { buildExecCredential, credentialEndMs } from '../../../src/keeper/exec-credential.ts'
import type { VaultItem } from '../../../src/platform/vault/item.ts'

const wallMs = Date.parse('2026-03-01T10:00:00.750Z')
const far = wallMs + 3_600_000

const item = (changes: Partial<VaultItem>): VaultItem => ({
  id: 'prod.alice-1',
  policy: 'prod',
  file: '/k',
  user: 'alice',
  contexts: [],
  original: { token: 'never shown' },
  adoptedAtMs: 0,
  ...changes,
})

const build = (given: VaultItem, lifetimeWallMs = far) =>
  JSON.parse(buildExecCredential(given, 'v1', { wallMs, lifetimeWallMs }).toString())

const jwt = (claims: object): string =>
  ['{"alg":"none"}', JSON.stringify(claims), 'sig']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

const folder = mkdtempSync(join(tmpdir(), 'kg-cert-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('two minutes at most, in whole seconds, rounded down', () => {
  expect(build(item({ token: 'opaque' }))).toEqual({
    kind: 'ExecCredential',
    apiVersion: 'client.authentication.k8s.io/v1',
    spec: { interactive: false },
    status: { token: 'opaque', expirationTimestamp: '2026-03-01T10:02:00Z' },
  })
})

test('never past the session, a token’s own end, a certificate’s, or what adopt found', () => {
  const endOf = (given: VaultItem, lifetime?: number): string =>
    build(given, lifetime).status.expirationTimestamp
  const inSeconds = (seconds: number): string =>
    new Date(wallMs + seconds * 1000).toISOString().replace(/\.\d+Z/, 'Z')
  expect(endOf(item({ token: 'opaque' }), wallMs + 60_000)).toBe(inSeconds(60))
  expect(endOf(item({ token: jwt({ exp: Math.floor(wallMs / 1000) + 30 }) }))).toBe(inSeconds(30))
  expect(endOf(item({ token: 'opaque', expiresAtMs: wallMs + 20_000 }))).toBe(inSeconds(20))
  expect(endOf(item({ token: jwt({ exp: 'soon' }) }))).toBe(inSeconds(120))
  expect(endOf(item({ token: 'a.b.c' }))).toBe(inSeconds(120))
})

test('a certificate’s end is read from it', () => {
  const path = join(folder, 'c.pem')
  const subject = [
    '-subj',
    '/CN=alice',
    '-days',
    '30',
    '-nodes',
    '-keyout',
    join(folder, 'k.pem'),
    '-out',
    path,
  ]
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', ...subject],
    {
      stdio: 'ignore',
    },
  )
  const pem = readFileSync(path, 'utf8')
  const daysLeft =
    (credentialEndMs(item({ clientCertificateData: pem, clientKeyData: 'k' })) - Date.now()) / 86_400_000
  expect(daysLeft).toBeGreaterThan(29)
  expect(daysLeft).toBeLessThan(31)
  const built = JSON.parse(
    buildExecCredential(item({ clientCertificateData: pem, clientKeyData: 'k' }), 'v1beta1', {
      wallMs: Date.now(),
      lifetimeWallMs: Date.now() + far,
    }).toString(),
  )
  expect(built.status).toMatchObject({ clientCertificateData: pem, clientKeyData: 'k' })
  expect(built.apiVersion).toBe('client.authentication.k8s.io/v1beta1')
})

test('an expired credential is an error with its cure, not a loop of refusals', () => {
  expect(() => build(item({ token: jwt({ exp: Math.floor(wallMs / 1000) }) }))).toThrow(
    expect.objectContaining({ code: 'credential-expired' }),
  )
})
