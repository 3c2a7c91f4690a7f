import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { until } from '../fixtures/terminal.ts'
import { admin, adminGet, cluster } from './fixture.ts'

/** What a user shows to the API server, and whom it takes them for. */
export interface Credential {
  readonly user: Readonly<Record<string, string>>
  readonly name: string
}

/** A new service account that may do everything in the namespace. @returns the user's name that it has. */
async function makeServiceAccount(namespace: string, name: string): Promise<string> {
  await admin(['create', 'serviceaccount', name, '-n', namespace])
  const subject = `--serviceaccount=${namespace}:${name}`
  await admin(['create', 'rolebinding', name, '-n', namespace, '--clusterrole=cluster-admin', subject])
  return `system:serviceaccount:${namespace}:${name}`
}

/** @returns a bound token, good for an hour, of a new service account that may do everything in the namespace. */
export async function boundToken(namespace: string, name = 'person'): Promise<string> {
  await makeServiceAccount(namespace, name)
  return (await admin(['create', 'token', name, '-n', namespace, '--duration=1h'])).stdout.trim()
}

async function boundTokenUser(namespace: string): Promise<Credential> {
  const token = await boundToken(namespace, 'bound')
  return { user: { token }, name: `system:serviceaccount:${namespace}:bound` }
}

/** A token without an end, which the controller manager writes into a Secret. */
async function secretTokenUser(namespace: string): Promise<Credential> {
  const name = await makeServiceAccount(namespace, 'endless')
  const annotations = { 'kubernetes.io/service-account.name': 'endless' }
  const metadata = { name: 'endless', annotations }
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata }
  await admin(['create', '-n', namespace, '-f', '-'], JSON.stringify(secret))
  const read = async (): Promise<string | undefined> =>
    (await adminGet<{ data?: { token?: string } }>('secret', 'endless', '-n', namespace)).data?.token
  const token = await until('a token in the secret', read)
  return { user: { token: Buffer.from(token, 'base64').toString() }, name }
}

/** kubeadm's kind: a Secret of kube-system that the API server looks up (its "Bootstrap tokens"). */
async function bootstrapTokenUser(): Promise<Credential> {
  const [id, secret] = [randomBytes(3).toString('hex'), randomBytes(8).toString('hex')]
  const data = { 'token-id': id, 'token-secret': secret, 'usage-bootstrap-authentication': 'true' }
  // The token cleaner of the controller manager takes it away.
  const expiration = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, '')
  const metadata = { name: `bootstrap-token-${id}`, namespace: 'kube-system' }
  const type = 'bootstrap.kubernetes.io/token'
  const body = { apiVersion: 'v1', kind: 'Secret', type, metadata, stringData: { ...data, expiration } }
  await admin(['create', '-f', '-'], JSON.stringify(body))
  return { user: { token: `${id}.${secret}` }, name: `system:bootstrap:${id}` }
}

function staticTokenUser(): Promise<Credential> {
  return Promise.resolve({ user: { token: cluster.staticToken ?? '' }, name: 'static-user' })
}

/** A client certificate that the cluster itself signed, good for an hour, by a CertificateSigningRequest. */
export async function clientCertificate(name: string): Promise<Credential> {
  // Key and request come by the pipe, so that the key lies in no file.
  const made = [
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-keyout',
    '-',
  ]
  const pem = execFileSync('openssl', [...made, '-subj', `/CN=${name}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const asked = pem.indexOf('-----BEGIN CERTIFICATE REQUEST')
  const request = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: pem.subarray(asked).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      expirationSeconds: 3600,
      usages: ['client auth'],
    },
  }
  await admin(['create', '-f', '-'], JSON.stringify(request))
  await admin(['certificate', 'approve', name])
  const read = async (): Promise<string | undefined> =>
    (await adminGet<{ status: { certificate?: string } }>('csr', name)).status.certificate
  const certificate = await until('a signed certificate', read)
  await admin(['delete', 'csr', name])
  const user = {
    'client-certificate-data': certificate,
    'client-key-data': pem.subarray(0, asked).toString('base64'),
  }
  return { user, name }
}

/** Every kind that the API server takes by itself, without an identity provider; the first needs our own flags. */
export const credentialKinds: Readonly<Record<string, (namespace: string) => Promise<Credential>>> = {
  ...(cluster.staticToken === undefined
    ? {}
    : { 'a token of the static token file': staticTokenUser, 'a bootstrap token': bootstrapTokenUser }),
  'a bound service account token': boundTokenUser,
  'a service account token of a Secret': secretTokenUser,
  'a client certificate from a CSR': (namespace) => clientCertificate(`person-${namespace}`),
}
