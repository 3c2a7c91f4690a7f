import { departures, isDeparture } from './departure.ts'
import type { Departure } from './departure.ts'
import { shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'

const cure = `write some of: lockOn: [${departures.join(', ')}]`

/** Reads `lockOn`; `unsaid` is what holds where it is not there. An empty list locks on none of them. */
export function readLockOn(raw: unknown, unsaid: readonly Departure[], report: Report): readonly Departure[] {
  if (raw === undefined) return unsaid
  if (!Array.isArray(raw)) {
    report(['lockOn'], `lockOn: ${shown(raw)} is no list`, cure)
    return unsaid
  }
  raw.forEach((entry: unknown, index) => {
    if (!isDeparture(entry)) report(['lockOn', index], `lockOn: ${shown(entry)} is not known`, cure)
  })
  return departures.filter((departure) => raw.includes(departure))
}
