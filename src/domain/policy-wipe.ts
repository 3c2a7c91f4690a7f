import { globMatches } from './glob.ts'
import { shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'
import { isTokenCache, tokenCaches } from './token-caches.ts'

const mostEntries = 64
const longestEntry = 1_024

const cure = `write a cache’s name (${Object.keys(tokenCaches).join(', ')}) or a path below the home: ~/.cache/tool/*.json`

/** Reads `wipe`: names of caches, and paths or globs that begin with `~/`. */
export function readWipe(raw: unknown, report: Report): readonly string[] {
  if (raw === undefined) return []
  if (!Array.isArray(raw) || raw.length > mostEntries) {
    report(['wipe'], `wipe must be a list of at most ${mostEntries} caches`, cure)
    return []
  }
  raw.forEach((entry: unknown, index) => {
    const wrong = typeof entry === 'string' ? objectionTo(entry) : `${shown(entry)} is no cache`
    if (wrong !== undefined) report(['wipe', index], wrong, cure)
  })
  return raw as string[]
}

/** A slip here costs files: nothing may be meant but what stands there. */
function objectionTo(entry: string): string | undefined {
  if (isTokenCache(entry)) return undefined
  if (!entry.startsWith('~/') || entry.length > longestEntry) return `${shown(entry)} is no cache`
  const segments = entry.slice(2).replace(/\/$/, '').split('/')
  if (segments.some((segment) => ['', '.', '..', '**'].includes(segment) || segment.includes('\0')))
    return `${shown(entry)} is not a plain path`
  if (/[*?]/.test(segments[0] ?? '')) return `${shown(entry)} begins with a glob`
  if (segments.length < 2) return `${shown(entry)} is not below a folder of the home`
  if (entry === '~/.kube/config') return 'a lock does not wipe kubeconfigs: adopt them'
  return undefined
}

/** @returns paths and globs relative to the home, each once. */
export function placesOfWipe(entries: readonly string[]): string[] {
  const places = entries.map((entry) =>
    isTokenCache(entry) ? tokenCaches[entry] : entry.slice(2).replace(/\/$/, ''),
  )
  return [...new Set(places)]
}

/** Is this file, named relative to the home, at or below one of these places? */
export function isWiped(file: string, places: readonly string[]): boolean {
  const names = file.split('/')
  return places.some((place) => {
    const globs = place.split('/')
    return globs.length <= names.length && globs.every((glob, index) => globMatches(glob, names[index] ?? ''))
  })
}
