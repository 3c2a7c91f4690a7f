import { clean } from '../clean-text.ts'
import { command, jsonOption } from '../command.ts'
import { credentialFindings } from '../doctor/credential-findings.ts'
import { daemonFindings } from '../doctor/daemon-findings.ts'
import type { Finding } from '../doctor/finding.ts'
import { installationFindings } from '../doctor/installation-findings.ts'
import { machineFindings } from '../doctor/machine-findings.ts'
import { askService, serviceFindings } from '../doctor/service-findings.ts'
import { shellFindings } from '../doctor/shell-findings.ts'
import { runCommand } from '../failure.ts'
import { coloursFor, print, printJson, say, sayProgress } from '../output.ts'

export function doctorCommand() {
  return command(
    'doctor',
    'what is wrong with this installation, each with its cure; exit code 1 where there is a problem',
    'kubeguard doctor',
  )
    .addOption(jsonOption())
    .action((options) => runCommand(() => doctor(options)))
}

async function doctor(options: { json?: true | undefined }): Promise<number> {
  const installation = installationFindings()
  // Without an installation nothing else can be right.
  const isSetUp = !installation.some(({ id }) => id === 'not-set-up')
  if (!options.json) sayProgress('looking at the installation, and starting each shell')
  const service = await askService()
  const findings = [
    ...installation,
    ...(await daemonFindings()),
    ...(isSetUp ? [...(await shellFindings()), ...(await credentialFindings())] : []),
    ...machineFindings(service),
    ...(service === undefined ? [] : serviceFindings(service)),
  ].toSorted((a, b) => Number(a.level === 'note') - Number(b.level === 'note'))
  if (options.json) printJson({ schema: 1, findings })
  else printFindings(findings)
  return findings.some(({ level }) => level === 'problem') ? 1 : 0
}

function printFindings(findings: readonly Finding[]): void {
  const { red, dim } = coloursFor(process.stdout)
  for (const { level, message, cure } of findings) {
    print(`${level === 'problem' ? red('problem:') : dim('note:')} ${clean(message)}`)
    print(`  ${clean(cure)}`)
  }
  if (findings.every(({ level }) => level === 'note')) say('nothing is wrong')
}
