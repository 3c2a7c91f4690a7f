import { existsSync, rmSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import { dirs } from '../../platform/dirs.ts'
import { readBefore } from '../../platform/before.ts'
import type { Before } from '../../platform/before.ts'
import { differencesFrom, removeEmptyFolders } from '../before.ts'
import { cleanLines } from '../clean-text.ts'
import { command, passphraseFdOption } from '../command.ts'
import { confirm } from '../confirm.ts'
import { runCommand } from '../failure.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { hookText } from '../hook-block.ts'
import { maskStartUpLine } from '../mask-start-up.ts'
import { diffLines, print, say, sayFailure, sayStep } from '../output.ts'
import { passphraseSource } from '../passphrase.ts'
import { readBytes, whyNotWritable } from '../replace-file.ts'
import { everyStartUpFile, removeHook } from '../shell-hook.ts'
import { removeService, serviceIsThere } from '../service/install-service.ts'
import { readStatus } from '../unlock-session.ts'
import { sayRemoved } from './service.ts'
import { ejectAll, giveLogInsBack, newFile, placeAfter, sayEjected } from './eject.ts'

interface UninstallOptions {
  readonly yes?: true | undefined
  readonly to?: string | undefined
  readonly passphraseFd?: number | undefined
}

export function uninstallCommand() {
  return command(
    'uninstall',
    'put the credentials back, take everything away that init made, and show what differs from before',
    'kubeguard uninstall',
    'kubeguard uninstall --to rescued.yaml',
  )
    .option('--yes', 'do not ask')
    .option('--to <file>', 'write users whose kubeconfig is gone into this new file')
    .addOption(passphraseFdOption())
    .action((options) => runCommand(() => uninstall(options)))
}

/**
 * The credentials first: where they can't be put back, nothing else is touched. A run that was ended in the middle is
 * finished by the next one.
 */
async function uninstall(options: UninstallOptions): Promise<void> {
  await hardenBeforeSecrets(options.passphraseFd)
  const found = dirs()
  const before = readBefore()
  const hooked = hookedFiles(before)
  if (!existsSync(found.state) && !existsSync(found.data) && hooked.length === 0 && !serviceIsThere())
    return say('nothing is installed')
  const to = newFile(options.to)
  if (!options.yes) {
    await confirm('put the credentials back and remove kubeguard’s files?', { withoutTerminal: 'give --yes' })
  }
  await putCredentialsBack(options, to)
  // First, or whoever rings has it start another daemon.
  if (serviceIsThere()) sayRemoved(await removeService())
  const { stopDaemon } = await import('../../client/stop-daemon.ts')
  await stopDaemon()
  sayStep('every session is locked, the daemon has ended')
  unhookShells(hooked, before)
  const folders = [found.data, found.run, found.config, found.state]
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  removeEmptyFolders(before.folders)
  sayStep(`removed: ${folders.join(', ')}`)
  await showDifferences(before)
  say('uninstalled', 'the program itself stays where it is: remove its folder or package as you installed it')
}

async function putCredentialsBack(options: UninstallOptions, to: string | undefined): Promise<void> {
  if (!existsSync(dirs().state)) return
  const given = await giveLogInsBack({ to }, false)
  if (given.ejected.length + given.failed.length > 0) sayEjected(given)
  if (given.failed.length > 0)
    throw new GuardError('kubeconfig-invalid', 'not every log-in is as it was: nothing was removed', {
      cure: 'where a kubeconfig is gone, give its users a new file: kubeguard uninstall --to FILE',
    })
  const guarded = (await readStatus()).sessions.filter((session) => session.hasVault)
  if (guarded.length === 0) return
  const source = await passphraseSource({
    passphraseFd: options.passphraseFd,
    cure: 'run: kubeguard uninstall',
  })
  sayEjected(await ejectAll({ to, ...placeAfter(given, to) }, source))
  const left = (await readStatus()).sessions.filter((session) => session.hasVault && session.credentials > 0)
  if (left.length === 0) return
  const names = left.map((session) => session.policy).join(', ')
  throw new GuardError(
    'credential-unknown',
    `credentials are still in the vaults of ${names}: nothing was removed`,
    { cure: 'where a kubeconfig is gone, give them a new file: kubeguard uninstall --to FILE' },
  )
}

/** The usual start-up files and those that were noted, as far as a line of ours is in them. */
function hookedFiles(before: Before): string[] {
  const noted = before.files.filter(({ kind }) => kind === 'start-up').map(({ path }) => path)
  return [...new Set([...noted, ...everyStartUpFile()])].filter((path) => {
    const text = readBytes(path)
    return text !== undefined && hookText(text) !== ''
  })
}

/** One that can't be written keeps a line that would fail in each new shell: that must be said. */
function unhookShells(paths: readonly string[], before: Before): void {
  for (const path of paths) {
    const noted = before.files.find((file) => file.path === path)
    if (whyNotWritable(path) !== undefined) {
      const lines = hookText(readBytes(path) ?? '')
        .trim()
        .split('\n')
      sayFailure(
        `${path} ${whyNotWritable(path)}: it is left as it is`,
        'remove these lines from it by hand:',
      )
      for (const line of lines) process.stderr.write(`${cleanLines(line)}\n`)
    } else if (removeHook(path, noted === undefined ? undefined : noted.mode !== undefined)) {
      sayStep(`the line in ${path} is removed`)
    }
  }
}

/** The proof, on stdout: how the files that were changed differ from how they were found. */
async function showDifferences(before: Before): Promise<void> {
  const { files } = before
  if (files.length === 0) return
  const differences = await differencesFrom(before)
  for (const difference of differences) {
    const masked = difference.split('\n').map(maskStartUpLine).join('\n')
    for (const line of diffLines(masked, process.stdout)) print(line)
  }
  const counted = files.length === 1 ? 'the one file' : `the ${files.length} files`
  if (differences.length === 0) sayStep(`${counted} that init changed: as before, line by line`)
  else
    say(
      `of ${counted} that init changed, the above differs from before: others changed it since, and it is let be`,
    )
}
