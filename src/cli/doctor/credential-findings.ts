import { homedir } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import type { AuditRule } from '../../domain/audit-rules.ts'
import { runScribe } from '../../platform/scribes/run-scribe.ts'
import { kubeconfigPaths } from '../origin.ts'
import { note, problem } from './finding.ts'
import type { Finding } from './finding.ts'

/** What the audit finds that makes a hole in the wall of what is adopted; the rest is for the audit to tell. */
const holes: ReadonlySet<AuditRule> = new Set(['guard-bypassed', 'writable-by-others'])

/** Adopted users that have a static credential beside our entry: kubectl takes that, and never asks us. */
export async function credentialFindings(): Promise<Finding[]> {
  const { HOME, KUBERC, PATH = '' } = process.env
  const { findings } = await runScribe({
    job: 'audit',
    paths: kubeconfigPaths([]),
    home: HOME !== undefined && isAbsolute(HOME) ? HOME : homedir(),
    searchPath: PATH,
    ...(KUBERC !== undefined && KUBERC !== '' && KUBERC !== 'off' && { kuberc: resolve(KUBERC) }),
  })
  const materialised = findings
    .filter(({ rule }) => rule === 'materialised')
    .map(({ file, line, message, cure }) => note('materialised', `${file}:${line}: ${message}`, cure))
  const open = findings
    .filter(({ rule }) => holes.has(rule))
    .map(({ rule, file, line, message, cure }) =>
      problem(
        rule === 'guard-bypassed' ? 'static-credential' : 'open-to-others',
        `${file}${line === undefined ? '' : `:${line}`}: ${message}`,
        cure,
      ),
    )
  return [...open, ...materialised]
}
