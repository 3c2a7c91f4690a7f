import { shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'

const longestPath = 4_096

/** Reads `pinentry`: the full path of a program that asks where there is no terminal, or `off`. @returns '' for off */
export function readPinentry(raw: unknown, report: Report): string {
  if (raw === undefined || raw === 'off' || raw === false) return ''
  const isPath =
    typeof raw === 'string' &&
    /^\/[^\0\p{Cc}]+$/u.test(raw) &&
    !raw.split('/').includes('..') &&
    raw.length <= longestPath
  if (isPath) return raw
  report(
    ['pinentry'],
    `pinentry: ${shown(raw)} is no full path of a program`,
    'write for instance: pinentry: /usr/bin/pinentry-gnome3, or off',
  )
  return ''
}
