import { callDaemon } from '../../client/call.ts'
import { GuardError } from '../../domain/errors.ts'
import { version } from '../../platform/install.ts'
import type { DaemonReport, PolicyReport } from '../../protocol/reports.ts'
import { readPolicies } from '../read-policies.ts'
import { problem } from './finding.ts'
import type { Finding } from './finding.ts'

/** What the daemon says of itself and of the rules; one that can't be asked is the finding. */
export async function daemonFindings(): Promise<Finding[]> {
  try {
    const daemon = (await callDaemon('daemon.status', {})).report as DaemonReport
    const policy = await readPolicies()
    return [
      ...versionFindings(daemon),
      ...daemon.problems.map(reported),
      ...policyFindings(policy),
      ...(await pinentryFindings(policy)),
    ]
  } catch (error) {
    // Its cure may be to call the doctor, who is here already.
    if (!(error instanceof GuardError)) throw error
    const id = error.code === 'version-mismatch' ? 'daemon-version' : 'daemon'
    return [problem(id, error.message, error.cure.replace('kubeguard doctor', 'kubeguard daemon restart'))]
  }
}

function versionFindings(daemon: DaemonReport): Finding[] {
  if (daemon.version === version()) return []
  return [
    problem(
      'daemon-version',
      `the daemon is version ${daemon.version}, this command is ${version()}; an update takes over when everything is locked`,
      'run: kubeguard daemon restart',
    ),
  ]
}

const reported = (text: string): Finding => {
  const [message, cure] = text.split('\n')
  return problem(
    'daemon',
    message ?? text,
    cure ?? 'look into the log that this names: kubeguard daemon status',
  )
}

function policyFindings(report: PolicyReport): Finding[] {
  return report.problems.map(({ file, line, column, message, cure }) =>
    problem('policy', `${file}:${line}:${column}: ${message}`, cure),
  )
}

/** Who has to be asked by one has no terminal, and would learn there that it does not work. */
async function pinentryFindings({ policies }: PolicyReport): Promise<Finding[]> {
  const programs = new Set(policies.map(({ pinentry }) => pinentry).filter((program) => program !== ''))
  if (programs.size === 0) return []
  const { whyNoPinentry } = await import('../../client/pinentry.ts')
  const found = [...programs].map(async (program) => {
    const why = await whyNoPinentry(program)
    if (why === undefined) return []
    const cure = 'name another program at pinentry in the policy file, or write: pinentry: off'
    return [problem('pinentry', `${program} (pinentry) ${why}: nobody can be asked without a terminal`, cure)]
  })
  return (await Promise.all(found)).flat()
}
