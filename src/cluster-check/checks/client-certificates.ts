import { Buffer } from 'node:buffer'
import { X509Certificate } from 'node:crypto'
import { needed, parsed } from '../cluster.ts'
import type { Cluster, Whoami } from '../cluster.ts'
import { goDurationMs } from '../control-plane.ts'
import type { ProgramFlags } from '../control-plane.ts'
import type { Metrics } from '../metrics.ts'
import type { Notes } from '../report.ts'
import { aboutHours, dayMs } from '../time.ts'

/** What kube-controller-manager signs for unless it is told. */
const usualSigningMs = 365 * dayMs

const histogram = 'apiserver_client_certificate_expiration_seconds'
/** Of which the checks below need these samples. */
export const certificateMetrics = [`${histogram}_bucket{le="86400"}`, `${histogram}_count`]

/** Four places where a certificate that is too good shows: signed, about to be, in use, in one’s own hand. */
export async function checkClientCertificates(
  cluster: Cluster,
  notes: Notes,
  seen: { me: Whoami | undefined; controllers: ProgramFlags | undefined; metrics: Metrics },
): Promise<void> {
  checkOwnCredential(notes, seen.me)
  checkSigning(notes, seen.controllers)
  checkInUse(notes, seen.metrics)
  await checkIssued(cluster, notes)
}

/** Since 1.32 a SelfSubjectReview says which credential it was (KEP 4193): a certificate by its digest. */
function checkOwnCredential(notes: Notes, me: Whoami | undefined): void {
  const ids = me?.extra['authentication.kubernetes.io/credential-id'] ?? []
  if (ids.some((id) => id.startsWith('X509SHA256=')))
    notes.found(
      'credential-certificate',
      { kind: 'user', name: me?.username ?? '' },
      'the API server took a client certificate for it',
    )
}

function checkSigning(notes: Notes, controllers: ProgramFlags | undefined): void {
  const name = 'cluster-signing-duration'
  if (controllers === undefined)
    return notes.unseen(
      'how long the cluster signs client certificates for',
      'list on pods in kube-system where kube-controller-manager runs as a pod (kubeadm, RKE2)',
    )
  for (const flags of controllers.servers) {
    const text = flags.get(name)
    const signsMs = text === undefined ? usualSigningMs : (goDurationMs(text) ?? usualSigningMs)
    if (signsMs <= dayMs) continue
    const said = text === undefined ? `--${name} is not set: ${aboutHours(signsMs)}` : `--${name}=${text}`
    return notes.found('client-certificate-signing', { kind: 'flag', name }, `${said} (${controllers.from})`)
  }
}

function checkInUse(notes: Notes, { samples, needs }: Metrics): void {
  if (samples === undefined) return notes.unseen('client certificates in use', needs)
  const [short = '', all = ''] = certificateMetrics
  const uses = samples.get(all) ?? 0
  const long = uses - (samples.get(short) ?? uses)
  if (long > 0)
    notes.found(
      'client-certificate-in-use',
      { kind: 'metric', name: histogram },
      `${long} of ${uses} log-ins by certificate since this API server started`,
    )
}

interface SigningRequests {
  readonly items?: readonly {
    readonly metadata: { readonly name: string }
    readonly spec: { readonly signerName: string }
    readonly status?: { readonly certificate?: string }
  }[]
}

/** Signed requests are kept for an hour. */
async function checkIssued(cluster: Cluster, notes: Notes): Promise<void> {
  const answer = await cluster.kubectl(['get', 'certificatesigningrequests', '-o', 'json'])
  if (!answer.ok)
    return notes.unseen(
      'client certificates signed in the last hour',
      needed(answer, 'list on certificatesigningrequests'),
    )
  for (const { metadata, spec, status } of parsed<SigningRequests>(answer.text)?.items ?? []) {
    if (spec.signerName !== 'kubernetes.io/kube-apiserver-client') continue
    const certificate = certificateOf(status?.certificate)
    if (certificate === undefined) continue
    const lifetimeMs = certificate.validToDate.getTime() - certificate.validFromDate.getTime()
    if (lifetimeMs <= dayMs + 10 * 60_000) continue
    const subject = certificate.subject.replaceAll('\n', ', ')
    notes.found(
      'client-certificate-issued',
      { kind: 'certificatesigningrequest', name: metadata.name },
      `${subject}: good for ${aboutHours(lifetimeMs)}`,
    )
  }
}

function certificateOf(base64: string | undefined): X509Certificate | undefined {
  try {
    return base64 === undefined ? undefined : new X509Certificate(Buffer.from(base64, 'base64'))
  } catch {
    return undefined
  }
}
