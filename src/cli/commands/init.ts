import { command, kubeconfigOption, passphraseFdOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { setUp } from '../set-up.ts'

export function initCommand() {
  return command(
    'init',
    'first-time set-up: each change is shown and confirmed; safe to run again',
    'kubeguard init',
    'secret-tool lookup service kubeguard | kubeguard init --yes --passphrase-fd 0',
  )
    .addOption(kubeconfigOption())
    .option('--yes', 'take the defaults, do not ask')
    .option(
      '--recovery-key',
      'make a recovery key, shown once: it opens the vaults where the passphrase is forgotten',
    )
    .addOption(passphraseFdOption())
    .action((options) =>
      runCommand(async () => {
        await hardenBeforeSecrets(options.passphraseFd)
        await setUp(options)
      }),
    )
}
