import { lstatSync } from 'node:fs'
import { resolve } from 'node:path'
import { GuardError } from '../../domain/errors.ts'
import type { OpenReport } from '../../protocol/reports.ts'
import { requestAdoption } from '../adoption.ts'
import { clean } from '../clean-text.ts'
import { command, jsonOption, kubeconfigOption, passphraseFdOption, userOption } from '../command.ts'
import { confirm } from '../confirm.ts'
import { runCommand } from '../failure.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { openVault } from '../open-vault.ts'
import { kubeconfigPaths } from '../origin.ts'
import { print, printJson, say, sayFailure } from '../output.ts'
import { passphraseSource } from '../passphrase.ts'
import type { PassphraseSource } from '../passphrase.ts'

interface EjectOptions {
  readonly kubeconfig: string[]
  readonly user: string[]
  readonly to?: string | undefined
  readonly dryRun?: true | undefined
  readonly yes?: true | undefined
  readonly json?: true | undefined
  readonly passphraseFd?: number | undefined
}

export function ejectCommand() {
  return command(
    'eject',
    'put the secrets of kubeconfig users back into their files',
    'kubeguard eject --dry-run',
    'kubeguard eject --kubeconfig ~/.kube/config --user admin',
    'kubeguard eject --to rescued.yaml',
  )
    .addOption(kubeconfigOption().default([] as string[], 'every file that was adopted'))
    .addOption(userOption())
    .option('--to <file>', 'write users whose kubeconfig is gone into this new file')
    .option('--dry-run', 'only show which users would be put back')
    .option('--yes', 'do not ask')
    .addOption(jsonOption())
    .addOption(passphraseFdOption())
    .action((options) => runCommand(() => eject(options)))
}

/** kubeconfig files that could not be written as they were. */
const exitUnusable = 78

async function eject(options: EjectOptions): Promise<number> {
  if (options.dryRun) {
    await printGuarded(options)
    return 0
  }
  await hardenBeforeSecrets(options.passphraseFd)
  const source = await passphraseSource({ passphraseFd: options.passphraseFd, cure: 'run: kubeguard eject' })
  if (!options.yes && source.onTerminal) {
    await confirm('put the secrets back into the files, in plain text?', { withoutTerminal: 'give --yes' })
  }
  const report = await ejectAll(
    {
      paths: options.kubeconfig.length > 0 ? kubeconfigPaths(options.kubeconfig) : [],
      users: options.user,
      to: newFile(options.to),
    },
    source,
  )
  if (options.json) printJson(report.ejected ?? [])
  sayEjected(report)
  return (report.failed ?? []).length === 0 ? 0 : exitUnusable
}

/** @returns the full path of a file to be made. @throws GuardError where something is there already */
export function newFile(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    throw new GuardError('kubeconfig-invalid', `${path} is there already`, { cure: 'name another file' })
  return resolve(path)
}

/** @throws GuardError what the keeper refused with. */
export function ejectAll(
  from: { paths?: readonly string[]; users?: readonly string[]; to?: string | undefined },
  source: PassphraseSource,
): Promise<OpenReport> {
  return openVault({ mode: 'eject', ...from }, async () => ({ passphrase: await source.ask('passphrase') }))
}

export function sayEjected({ ejected = [], failed = [] }: OpenReport): void {
  if (ejected.length === 0 && failed.length === 0) say('nothing to put back')
  for (const { user, file } of ejected) say(`${clean(user)} is back in ${clean(file)}`)
  for (const { user, message, cure } of failed) sayFailure(`${user} is kept in the vault: ${message}`, cure)
}

/** What adopt left alone because it is ours already is what eject would put back. */
async function printGuarded(options: EjectOptions): Promise<void> {
  const report = await requestAdoption(kubeconfigPaths(options.kubeconfig), options.user, true)
  const guarded = report.left.filter((user) => user.because === 'already')
  if (options.json) printJson(guarded.map(({ user, file }) => ({ user, file })))
  else for (const { user, file } of guarded) print(`${clean(user)} (${clean(file)})`)
  if (guarded.length === 0)
    throw new GuardError('credential-unknown', 'no user of these files is guarded', {
      cure: 'name the file: kubeguard eject --kubeconfig FILE',
    })
}
