import { GuardError } from '../../domain/errors.ts'
import { command, passphraseFdOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { openVault } from '../open-vault.ts'
import { say } from '../output.ts'
import { passphraseSource } from '../passphrase.ts'

export function passwdCommand() {
  return command(
    'passwd',
    'change the passphrase; no credential is written in the clear',
    'kubeguard passwd',
    'kubeguard passwd --passphrase-fd 3   # the old one on the first line, the new one on the second',
  )
    .addOption(passphraseFdOption())
    .action((options) => runCommand(() => passwd(options)))
}

async function passwd(options: { passphraseFd?: number | undefined }): Promise<void> {
  await hardenBeforeSecrets(options.passphraseFd)
  const source = await passphraseSource({ ...options, cure: 'run: kubeguard passwd' })
  await openVault({ mode: 'rewrap' }, async (known) => {
    if (!known) throw new GuardError('vault-missing', 'there is no passphrase yet')
    const passphrase = await source.ask('old passphrase')
    return { passphrase, newPassphrase: await source.askNew('new passphrase') }
  })
  say('the passphrase is changed')
}
