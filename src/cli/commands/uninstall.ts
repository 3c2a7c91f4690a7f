import { existsSync, rmSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import { dirs } from '../../platform/dirs.ts'
import { command, passphraseFdOption } from '../command.ts'
import { confirm } from '../confirm.ts'
import { runCommand } from '../failure.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { say, sayStep } from '../output.ts'
import { passphraseSource } from '../passphrase.ts'
import { removeHook, shells, startUpFile } from '../shell-hook.ts'
import { readStatus } from '../unlock-session.ts'
import { ejectAll, sayEjected } from './eject.ts'

interface UninstallOptions {
  readonly yes?: true | undefined
  readonly passphraseFd?: number | undefined
}

export function uninstallCommand() {
  return command(
    'uninstall',
    'put the credentials back, then take everything away that init made',
    'kubeguard uninstall',
  )
    .option('--yes', 'do not ask')
    .addOption(passphraseFdOption())
    .action((options) => runCommand(() => uninstall(options)))
}

/** The credentials first: where they can't be put back, nothing else is touched. */
async function uninstall(options: UninstallOptions): Promise<void> {
  await hardenBeforeSecrets(options.passphraseFd)
  const found = dirs()
  if (!existsSync(found.state) && !existsSync(found.data)) return say('nothing is installed')
  if (!options.yes) {
    await confirm('put the credentials back and remove kubeguard’s files?', { withoutTerminal: 'give --yes' })
  }
  await putCredentialsBack(options)
  const { stopDaemon } = await import('../../client/stop-daemon.ts')
  await stopDaemon()
  sayStep('every session is locked, the daemon has ended')
  unhookShells()
  for (const folder of [found.data, found.run, found.state, found.config])
    rmSync(folder, { recursive: true, force: true })
  sayStep(`removed: ${[found.data, found.run, found.state, found.config].join(', ')}`)
  say('uninstalled', 'the program itself stays where it is: remove its folder or package as you installed it')
}

async function putCredentialsBack(options: UninstallOptions): Promise<void> {
  const guarded = (await readStatus()).sessions.filter((session) => session.hasVault)
  if (guarded.length === 0) return
  const source = await passphraseSource({
    passphraseFd: options.passphraseFd,
    cure: 'run: kubeguard uninstall',
  })
  sayEjected(await ejectAll({}, source))
  const left = (await readStatus()).sessions.filter((session) => session.credentials > 0)
  if (left.length === 0) return
  const names = left.map((session) => session.policy).join(', ')
  throw new GuardError(
    'credential-unknown',
    `credentials are still in the vaults of ${names}: nothing was removed`,
    {
      cure: 'see: kubeguard status; then put them back: kubeguard eject --kubeconfig FILE',
    },
  )
}

function unhookShells(): void {
  for (const path of shells.map((shell) => startUpFile(shell))) {
    if (removeHook(path)) sayStep(`the line in ${path} is removed`)
  }
}
