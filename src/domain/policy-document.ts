import { nearestName } from './nearest-name.ts'
import { plainText } from './plain-text.ts'

/** Where a value stands in the file: the way to it from the top, keys and indexes. */
export type PolicyPath = readonly (string | number)[]

/** Notes something wrong at a place of the file. */
export type Report = (path: PolicyPath, message: string, cure: string, severity?: 'error' | 'warning') => void

/** Refuses keys that this version does not know, that only a later one can honour, or that stand in each policy. */
export function refuseOtherKeys(
  mapping: Readonly<Record<string, unknown>>,
  path: PolicyPath,
  keys: {
    readonly known: readonly string[]
    readonly later: readonly string[]
    readonly within?: readonly string[]
  },
  report: Report,
): void {
  for (const key of Object.keys(mapping)) {
    if (keys.known.includes(key)) continue
    if (keys.later.includes(key)) {
      report([...path, key], `${key} is not available in this version`, 'remove it')
      continue
    }
    if (keys.within?.includes(key) === true) {
      report(
        [...path, key],
        `${key} stands in a policy, not at the top`,
        'move it into each policy it is for',
      )
      continue
    }
    const near = nearestName(key, [...keys.known, ...keys.later])
    const cure = near === undefined ? `known here: ${keys.known.join(', ')}` : `did you mean ${near}?`
    report([...path, key], `${shown(key)} is not known`, cure)
  }
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value as text for a message: one line, short, with no character that a terminal would obey. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return `"${plainText(text, 60)}"`
}
