import { clean } from '../clean-text.ts'
import { command, jsonOption } from '../command.ts'
import { daemonFindings } from '../doctor/daemon-findings.ts'
import type { Finding } from '../doctor/finding.ts'
import { installationFindings } from '../doctor/installation-findings.ts'
import { machineFindings } from '../doctor/machine-findings.ts'
import { runCommand } from '../failure.ts'
import { coloursFor, print, printJson, say } from '../output.ts'

export function doctorCommand() {
  return command(
    'doctor',
    'what is wrong with this installation, each with its cure; exit code 1 where anything is',
    'kubeguard doctor',
  )
    .addOption(jsonOption())
    .action((options) => runCommand(() => doctor(options)))
}

async function doctor(options: { json?: true | undefined }): Promise<number> {
  const findings = [...installationFindings(), ...(await daemonFindings()), ...machineFindings()]
  if (options.json) printJson(findings)
  else printFindings(findings)
  return findings.some(({ level }) => level === 'problem') ? 1 : 0
}

function printFindings(findings: readonly Finding[]): void {
  const { red, dim } = coloursFor(process.stdout)
  for (const { level, message, cure } of findings) {
    print(`${level === 'problem' ? red('problem:') : dim('note:')} ${clean(message)}`)
    print(`  ${clean(cure)}`)
  }
  if (findings.length === 0) say('nothing is wrong')
}
