import { stringify } from 'yaml'
import type { CertifiedKey } from './certificates.ts'

/** What a kubeconfig for the playground says. */
export interface KubeconfigParts {
  readonly url: string
  readonly caPem: string
  readonly token: string
  readonly certificate: CertifiedKey
}

/** The first line of each kubeconfig that the playground writes: a file without it is never overwritten. */
export const kubeconfigMark = '# written by kubeguard playground: for a throw-away cluster API on loopback'

/**
 * @returns a kubeconfig with two contexts on the one server: `playground` with a static token and
 * `prod-playground` with a client certificate, so that two policies can be shown.
 */
export function kubeconfigText({ url, caPem, token, certificate }: KubeconfigParts): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const users = [
    { name: 'playground', user: { token } },
    {
      name: 'prod-playground',
      user: {
        'client-certificate-data': base64(certificate.certPem),
        'client-key-data': base64(certificate.keyPem),
      },
    },
  ]
  const config = {
    'apiVersion': 'v1',
    'kind': 'Config',
    'clusters': [
      { name: 'playground', cluster: { 'server': url, 'certificate-authority-data': base64(caPem) } },
    ],
    users,
    'contexts': users.map(({ name }) => ({ name, context: { cluster: 'playground', user: name } })),
    'current-context': 'playground',
  }
  return `${kubeconfigMark}\n${stringify(config, { lineWidth: 0 })}`
}
