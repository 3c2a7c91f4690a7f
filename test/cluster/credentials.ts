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

/** A token without an end, which the controller manager writes into a Secret. @returns it */
export async function secretToken(namespace: string, account: string): Promise<string> {
  const annotations = { 'kubernetes.io/service-account.name': account }
  const metadata = { name: account, annotations }
  const secret = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata }
  await admin(['create', '-n', namespace, '-f', '-'], JSON.stringify(secret))
  const read = async (): Promise<string | undefined> =>
    (await adminGet<{ data?: { token?: string } }>('secret', account, '-n', namespace)).data?.token
  return Buffer.from(await until('a token in the secret', read), 'base64').toString()
}

async function secretTokenUser(namespace: string): Promise<Credential> {
  const name = await makeServiceAccount(namespace, 'endless')
  return { user: { token: await secretToken(namespace, 'endless') }, name }
}

/**
 * kubeadm's kind: a Secret of kube-system that the API server looks up (its "Bootstrap tokens"). The token cleaner of the
 * controller manager takes it away at its end; one without an end stays.
 *
 * @returns its name there, and the token
 */
export async function bootstrapToken(endsInMs: number | undefined): Promise<{ name: string; token: string }> {
  const [id, secret] = [randomBytes(3).toString('hex'), randomBytes(8).toString('hex')]
  const data = { 'token-id': id, 'token-secret': secret, 'usage-bootstrap-authentication': 'true' }
  const end = endsInMs === undefined ? {} : { expiration: timestamp(Date.now() + endsInMs) }
  const name = `bootstrap-token-${id}`
  const metadata = { name, namespace: 'kube-system' }
  const type = 'bootstrap.kubernetes.io/token'
  const body = { apiVersion: 'v1', kind: 'Secret', type, metadata, stringData: { ...data, ...end } }
  await admin(['create', '-f', '-'], JSON.stringify(body))
  return { name, token: `${id}.${secret}` }
}

/** RFC 3339 in whole seconds, as Kubernetes reads it. */
const timestamp = (wallMs: number): string => new Date(wallMs).toISOString().replace(/\.\d+/, '')

async function bootstrapTokenUser(): Promise<Credential> {
  const { token } = await bootstrapToken(3_600_000)
  return { user: { token }, name: `system:bootstrap:${token.split('.')[0]}` }
}

function staticTokenUser(): Promise<Credential> {
  return Promise.resolve({ user: { token: cluster.staticToken ?? '' }, name: 'static-user' })
}

/** Has the cluster itself sign a client certificate, by a CertificateSigningRequest that stays. @returns it, and its key */
export async function signedCertificate(
  name: string,
  expirationSeconds: number,
): Promise<{ readonly certificate: string; readonly key: Buffer }> {
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
      expirationSeconds,
      usages: ['client auth'],
    },
  }
  await admin(['create', '-f', '-'], JSON.stringify(request))
  await admin(['certificate', 'approve', name])
  const read = async (): Promise<string | undefined> =>
    (await adminGet<{ status: { certificate?: string } }>('csr', name)).status.certificate
  return { certificate: await until('a signed certificate', read), key: pem.subarray(0, asked) }
}

/** A client certificate that the cluster itself signed, good for an hour. */
export async function clientCertificate(name: string): Promise<Credential> {
  const { certificate, key } = await signedCertificate(name, 3600)
  await admin(['delete', 'csr', name])
  const user = { 'client-certificate-data': certificate, 'client-key-data': key.toString('base64') }
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
