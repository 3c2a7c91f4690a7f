import { shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'

const mostCommands = 16
const longestCommand = 4_096

const examples = {
  onLock: 'aws sso logout',
  onMisuse: 'mail -s kubeguard me@example.com </dev/null',
} as const

/** Reads `onLock` or `onMisuse`: commands for `/bin/sh -c`, each one string (docs/decisions/0018-what-a-lock-runs.md). */
export function readCommands(key: keyof typeof examples, raw: unknown, report: Report): readonly string[] {
  if (raw === undefined) return []
  const cure = `write for instance: ${key}: ["${examples[key]}"]`
  if (!Array.isArray(raw) || raw.length > mostCommands) {
    report([key], `${key} must be a list of at most ${mostCommands} commands`, cure)
    return []
  }
  raw.forEach((command: unknown, index) => {
    if (!isCommand(command)) report([key, index], `${shown(command)} is no command`, cure)
  })
  return raw as string[]
}

const isCommand = (text: unknown): boolean =>
  typeof text === 'string' && text.trim() !== '' && text.length <= longestCommand && !text.includes('\0')
