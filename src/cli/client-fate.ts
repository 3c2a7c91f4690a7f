import type { LiveStatus } from '../protocol/reports.ts'
import { formatMoment } from './duration.ts'

/** What an idle lock does with a client, in words for a table. */
export function describeFate({ fate, heldUntilMs, suspendedUntilMs, credentialEndsMs }: LiveStatus): string {
  switch (fate) {
    case 'ended':
      return 'ended'
    case 'held':
      return heldUntilMs === undefined ? 'may finish' : `held until ${formatMoment(heldUntilMs)}`
    case 'suspended':
      return suspendedUntilMs === undefined ? 'covered' : `covered until ${formatMoment(suspendedUntilMs)}`
    case 'expires':
      return credentialEndsMs === undefined ? 'expires' : `expires, by ${formatMoment(credentialEndsMs)}`
  }
}
