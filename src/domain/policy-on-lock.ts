import { shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'

const mostCommands = 16
const longestCommand = 4_096

const cure = 'write for instance: onLock: ["aws sso logout"]'

/** Reads `onLock`: commands for `/bin/sh -c`, each one string (docs/decisions/0018-what-a-lock-runs.md). */
export function readOnLock(raw: unknown, report: Report): readonly string[] {
  if (raw === undefined) return []
  if (!Array.isArray(raw) || raw.length > mostCommands) {
    report(['onLock'], `onLock must be a list of at most ${mostCommands} commands`, cure)
    return []
  }
  raw.forEach((command: unknown, index) => {
    if (!isCommand(command)) report(['onLock', index], `${shown(command)} is no command`, cure)
  })
  return raw as string[]
}

const isCommand = (text: unknown): boolean =>
  typeof text === 'string' && text.trim() !== '' && text.length <= longestCommand && !text.includes('\0')
