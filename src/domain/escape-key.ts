import { shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'

/** What an escape may ask of the daemon; the supervisor itself takes the key twice for the key. */
export const escapeCommands = ['lock', 'time', 'help'] as const
export type EscapeCommand = (typeof escapeCommands)[number]

/**
 * A mark, or Ctrl with a key, as EscapeChar of ssh_config(5). Not `?`, which asks for help; nor what is Enter, the end of
 * a line or the beginning of a longer key (^M, ^J, ^[).
 */
const keyPattern = /^(?:[!-/:->@[-`{-~]|\^[A-IK-LN-Z\\\]^_])$/

/** Reads `escape`: the key at the start of a line of a supervised stream that speaks to kubeguard, or `none`. */
export function readEscape(raw: unknown, otherwise: string, report: Report): string {
  if (raw === undefined) return otherwise
  if (typeof raw === 'string' && (raw === 'none' || keyPattern.test(raw))) return raw
  const cure = 'write for instance: escape: "~", escape: "^]" for Ctrl and ], or escape: none'
  report(['escape'], `escape: ${shown(raw)} is no key for it`, cure)
  return otherwise
}

/** The byte that a terminal sends for it; undefined for `none`. */
export function escapeByte(escape: string): number | undefined {
  if (escape === 'none') return undefined
  return escape.length === 1 ? escape.charCodeAt(0) : escape.charCodeAt(1) & 0x1f
}
