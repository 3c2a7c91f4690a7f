import { GuardError } from '../../domain/errors.ts'
import { command, passphraseFdOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { openVault } from '../open-vault.ts'
import { say } from '../output.ts'
import { passphraseSource } from '../passphrase.ts'

interface PasswdOptions {
  readonly passphraseFd?: number | undefined
  readonly recovery?: true | undefined
  readonly recoveryKey?: true | undefined
}

export function passwdCommand() {
  return command(
    'passwd',
    'change the passphrase; no credential is written in the clear',
    'kubeguard passwd',
    'kubeguard passwd --passphrase-fd 3   # the old one on the first line, the new one on the second',
    'kubeguard passwd --recovery-key',
  )
    .option('--recovery', 'the passphrase is forgotten: give the recovery key in its place')
    .option('--recovery-key', 'make a recovery key, or another one; the passphrase stays')
    .addOption(passphraseFdOption())
    .action((options) => runCommand(() => passwd(options)))
}

async function passwd(options: PasswdOptions): Promise<void> {
  if (options.recovery && options.recoveryKey)
    throw new GuardError('usage', 'give --recovery or --recovery-key, not both', {
      cure: 'first a new passphrase: kubeguard passwd --recovery, then: kubeguard passwd --recovery-key',
    })
  await hardenBeforeSecrets(options.passphraseFd)
  const source = await passphraseSource({ ...options, cure: 'run: kubeguard passwd' })
  if (options.recoveryKey) {
    await openVault({ mode: 'recovery-key' }, async (known) => {
      assertKnown(known)
      return { passphrase: await source.ask('passphrase') }
    })
    return
  }
  const recovery = options.recovery === true
  await openVault({ mode: 'rewrap', recovery }, async (known) => {
    assertKnown(known)
    const passphrase = await source.ask(recovery ? 'recovery key' : 'old passphrase')
    return { passphrase, newPassphrase: await source.askNew('new passphrase') }
  })
  say('the passphrase is changed')
}

function assertKnown(known: boolean): void {
  if (!known) throw new GuardError('vault-missing', 'there is no passphrase yet')
}
