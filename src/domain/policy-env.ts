import { shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'

/** A variable's name as every shell takes it (XBASE 8.1, "Environment Variable Definition"). */
const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
const mostNames = 64

/** Without these a shell is no use to anybody. */
const needed = new Set([
  'PATH',
  'HOME',
  'PWD',
  'OLDPWD',
  'IFS',
  'SHELL',
  'TERM',
  'USER',
  'LOGNAME',
  'UID',
  'EUID',
])

const cure = 'write for instance: env: [AWS_SESSION_TOKEN]'

/** Reads `env`: the variables that shells unset when a session of this policy locks. */
export function readEnv(raw: unknown, report: Report): readonly string[] {
  if (raw === undefined) return []
  if (!Array.isArray(raw) || raw.length > mostNames) {
    report(['env'], `env must be a list of at most ${mostNames} names of variables`, cure)
    return []
  }
  raw.forEach((name: unknown, index) => {
    if (typeof name !== 'string' || !namePattern.test(name))
      report(['env', index], `${shown(name)} is no variable's name`, cure)
    else if (needed.has(name)) report(['env', index], `a shell needs ${name}`, 'take it out of env')
  })
  return raw as string[]
}
