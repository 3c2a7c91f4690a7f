import { plainText } from '../../domain/plain-text.ts'
import type { JournalEntry } from '../../protocol/reports.ts'
import { isSecretName, maskSecrets, withheld } from '../secret-guard.ts'

export type Details = JournalEntry['details']

/** Limits of one entry, so that the journal's size is bounded by its number of entries. */
const mostFields = 24
const mostNameCharacters = 40
const mostTextCharacters = 256

/**
 * What is kept of an entry's facts: few, short, on one line, and nothing that looks like a secret. Field
 * order is fixed, so that equal facts have equal text.
 */
export function cleanDetails(details: Details): Details {
  const clean: Record<string, string | number | boolean> = {}
  for (const name of Object.keys(details).toSorted().slice(0, mostFields)) {
    const value = cleanValue(name, details[name])
    if (value !== undefined) clean[plainText(name, mostNameCharacters)] = value
  }
  return clean
}

/** A policy's name, or another single word of an entry. */
export function cleanName(name: string): string {
  return plainText(name, mostTextCharacters)
}

function cleanValue(name: string, value: unknown): string | number | boolean | undefined {
  if (isSecretName(name)) return withheld
  switch (typeof value) {
    case 'string':
      return plainText(maskSecrets(value.slice(0, mostTextCharacters * 16)), mostTextCharacters)
    case 'number':
      return Number.isFinite(value) ? value : undefined
    case 'boolean':
      return value
    default:
      return undefined
  }
}
