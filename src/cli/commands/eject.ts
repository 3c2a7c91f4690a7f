import { lstatSync } from 'node:fs'
import { resolve } from 'node:path'
import { GuardError } from '../../domain/errors.ts'
import { callDaemon } from '../../client/call.ts'
import type { EjectReport, OpenReport } from '../../protocol/reports.ts'
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
import { readStatus } from '../unlock-session.ts'

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
  const from = {
    paths: options.kubeconfig.length > 0 ? kubeconfigPaths(options.kubeconfig) : [],
    users: options.user,
    to: newFile(options.to),
  }
  const logIns = (await giveLogInsBack(from, true)).ejected
  const { passphraseFd } = options
  const source = (await needsPassphrase(options, logIns))
    ? await passphraseSource({ passphraseFd, cure: 'run: kubeguard eject' })
    : undefined
  if (
    !options.yes &&
    (source === undefined ? logIns.length > 0 && passphraseFd === undefined : source.onTerminal)
  )
    await confirm(
      source === undefined
        ? 'have the log-ins done as they were before?'
        : 'put the secrets back into the files, in plain text?',
      { withoutTerminal: 'give --yes' },
    )
  const given = await giveLogInsBack(from, false)
  // A file that was made for users without a place is there now.
  const opened: Pick<OpenReport, 'ejected' | 'failed'> =
    source === undefined ? {} : await ejectAll({ ...from, ...placeAfter(given, from.to) }, source)
  const report = {
    ejected: [...given.ejected, ...(opened.ejected ?? [])],
    failed: [...given.failed, ...(opened.failed ?? [])],
  }
  if (options.json) printJson(report.ejected.map(({ user, file }) => ({ user, file })))
  sayEjected(report)
  return report.failed.length === 0 ? 0 : exitUnusable
}

/** Where every user that was named had its log-in done by a policy, nothing in a vault is asked for. */
async function needsPassphrase(
  { user, kubeconfig }: Pick<EjectOptions, 'user' | 'kubeconfig'>,
  logIns: EjectReport['ejected'],
): Promise<boolean> {
  if (logIns.length === 0) return true
  if (user.length > 0) return user.some((name) => !logIns.some((one) => one.user === name))
  if (kubeconfig.length > 0) return true
  return (await readStatus()).sessions.some(({ credentials, hasVault }) => hasVault && credentials > 0)
}

interface EjectPlace {
  readonly paths?: readonly string[]
  readonly users?: readonly string[]
  readonly to?: string | undefined
}

/** Users whose log-in a policy's factor does: no vault has them, and no passphrase is needed. */
export async function giveLogInsBack(
  { paths = [], users = [], to }: EjectPlace,
  dryRun: boolean,
): Promise<EjectReport> {
  const { report } = await callDaemon('kubeconfig.give-back', {
    paths: paths.map((path) => Buffer.from(path)),
    users: [...users],
    dryRun,
    ...(to !== undefined && { to: Buffer.from(to) }),
  })
  return report as EjectReport
}

/** Vaults have another new file: one is never written into. */
export function placeAfter({ ejected }: EjectReport, to: string | undefined): Pick<EjectPlace, 'to'> {
  return to === undefined || ejected.every(({ file }) => file !== to) ? {} : { to: `${to}.vaults` }
}

/** @returns the full path of a file to be made. @throws GuardError where something is there already */
export function newFile(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined)
    throw new GuardError('kubeconfig-invalid', `${path} is there already`, { cure: 'name another file' })
  return resolve(path)
}

/** @throws GuardError what the keeper refused with. */
export function ejectAll(from: EjectPlace, source: PassphraseSource): Promise<OpenReport> {
  return openVault({ mode: 'eject', ...from }, async () => ({ passphrase: await source.ask('passphrase') }))
}

export function sayEjected({ ejected = [], failed = [] }: Pick<OpenReport, 'ejected' | 'failed'>): void {
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
