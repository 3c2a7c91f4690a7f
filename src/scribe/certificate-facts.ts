import { X509Certificate } from 'node:crypto'

export interface CertificateFacts {
  readonly beginsAtMs: number
  readonly endsAtMs: number
  readonly issuer: string
  readonly subject: string
  /** The organisations of the subject, which Kubernetes takes for groups. */
  readonly groups: readonly string[]
  /** `RSA 2048 bits`, `EC prime256v1`, … */
  readonly key: string
  readonly isKeyWeak: boolean
}

/** NIST SP 800-57: less than 112 bits of security. */
const leastRsaBits = 2048

/** Of the first certificate: the client's own, the chain follows it. @returns undefined for what is none */
export function certificateFacts(pem: string): CertificateFacts | undefined {
  try {
    const certificate = new X509Certificate(pem)
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
    const bits = asymmetricKeyDetails?.modulusLength
    const size = bits === undefined ? (asymmetricKeyDetails?.namedCurve ?? '') : `${bits} bits`
    return {
      beginsAtMs: certificate.validFromDate.getTime(),
      endsAtMs: certificate.validToDate.getTime(),
      issuer: oneLine(certificate.issuer),
      subject: oneLine(certificate.subject),
      groups: [...certificate.subject.matchAll(/^O=(.*)$/gm)].map(([, group = '']) => group),
      key: `${(asymmetricKeyType ?? 'unknown').toUpperCase()} ${size}`.trim(),
      isKeyWeak: asymmetricKeyType === 'rsa' && bits !== undefined && bits < leastRsaBits,
    }
  } catch {
    return undefined
  }
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ')
