import { callDaemon } from '../../client/call.ts'
import { GuardError } from '../../domain/errors.ts'
import { dirs, places } from '../../platform/dirs.ts'
import { createVaultCatalogue } from '../../platform/vault-catalogue.ts'
import type { CatalogueEntry } from '../../platform/vault-catalogue.ts'
import { clean } from '../clean-text.ts'
import { command } from '../command.ts'
import { typed } from '../confirm.ts'
import { runCommand } from '../failure.ts'
import { openVault } from '../open-vault.ts'
import { say, sayStep } from '../output.ts'
import { readStatus } from '../unlock-session.ts'

export function resetCommand() {
  return command(
    'reset',
    'for a forgotten passphrase: remove a policy’s vault, with the credentials in it',
    'kubeguard reset prod',
  )
    .argument('<policy>', 'policy whose vault is removed')
    .action((policy) => runCommand(() => reset(policy)))
}

/** What is in the vault is lost, and nothing else: who it was for is said before, and how to go on after. */
async function reset(policy: string): Promise<void> {
  const { sessions } = await readStatus()
  const vaults = createVaultCatalogue(places.vaults(dirs()))
  if (!sessions.some((session) => session.policy === policy))
    throw new GuardError('policy-unknown', `there is no policy ${clean(policy)}`)
  if (!vaults.has(policy)) throw new GuardError('vault-missing', `${policy} has no vault`)
  const lost = vaults.entries(policy)
  say(
    lost.length === 0
      ? `the vault of ${policy} names no credential`
      : `with the vault of ${policy} these are lost for good, and must be fetched anew:`,
    ...lost.map(describe),
  )
  await typed(`to remove the vault, type the policy’s name (${policy}):`, policy)
  await callDaemon('session.lock', { policy })
  await openVault({ mode: 'reset', policies: [policy] }, async () => ({ passphrase: Buffer.alloc(0) }))
  // Whoever unlocked between the two had the vault still.
  await callDaemon('session.lock', { policy })
  sayStep(`${policy} is locked, and its vault removed`)
  sayHowToGoOn(lost, vaults.policies())
}

const kinds: Readonly<Record<CatalogueEntry['kind'], string>> = {
  'token': 'a token',
  'client-certificate': 'a client certificate and its key',
  'exec-plugin': 'the entry of an exec plugin',
  'token-and-client-certificate': 'a token, a client certificate and its key',
}

const describe = ({ user, file, contexts, kind }: CatalogueEntry): string =>
  `  ${user} in ${file}: ${kinds[kind] ?? kind}, for ${contexts.join(', ') || 'no context'}`

/** The new vault comes first: what is written into the kubeconfig then is sealed into that one, and no other. */
function sayHowToGoOn(lost: readonly CatalogueEntry[], left: readonly string[]): void {
  const fetched = lost.map(({ user, file }) => {
    const name = `'${user.replaceAll("'", `'\\''`)}'`
    return `  kubectl config --kubeconfig ${file} set-credentials ${name} --token … (or --client-certificate … --client-key … --embed-certs)`
  })
  const passphrase = left.length === 0 ? 'a new passphrase' : `the passphrase of ${left.join(', ')}`
  const others = left.length === 0 ? [] : [`where that is forgotten as well: kubeguard reset ${left[0]}`]
  say(
    'to go on',
    `make a new vault: kubeguard init, with ${passphrase}`,
    ...others,
    ...(fetched.length === 0
      ? []
      : ['then put what you fetch anew into the kubeconfig, and seal it: kubeguard adopt']),
    ...fetched,
  )
}
