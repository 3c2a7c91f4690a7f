import { issueLeaf, makeAuthority } from '../platform/certificates/certificates.ts'
import type { CertifiedKey } from '../platform/certificates/certificates.ts'

export type { CertifiedKey } from '../platform/certificates/certificates.ts'

/** Signs the server's certificate and the clients'. Made anew for each playground, kept in memory only. */
export interface Authority {
  readonly caPem: string
  serverCertificate(): Promise<CertifiedKey>
  clientCertificate(user: string, groups: readonly string[]): Promise<CertifiedKey>
}

const dayMs = 24 * 60 * 60 * 1000

/** @returns a new certificate authority, good for a day. */
export async function createAuthority(): Promise<Authority> {
  const authority = await makeAuthority('CN=kubeguard playground CA', dayMs)
  return {
    caPem: authority.certPem,
    serverCertificate: () =>
      issueLeaf(authority, {
        subject: 'CN=kubeguard playground server',
        validMs: dayMs,
        serves: [
          { type: 'ip', value: '127.0.0.1' },
          { type: 'dns', value: 'localhost' },
        ],
      }),
    clientCertificate: (user, groups) =>
      issueLeaf(authority, { subject: subject(user, groups), validMs: dayMs }),
  }
}

/** Kubernetes reads the user's name from CN and the groups from O (its "X509 client certificates" strategy). */
function subject(user: string, groups: readonly string[]): string {
  return [`CN=${user}`, ...groups.map((group) => `O=${group}`)].join(', ')
}
