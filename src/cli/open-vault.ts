import { callDaemon, callKeeper } from '../client/call.ts'
import type { OpenReport } from '../protocol/reports.ts'
import { sayFailedBefore } from './unlock-session.ts'

export interface VaultWork {
  readonly mode: 'create' | 'rewrap' | 'eject' | 'reset'
  readonly policies?: readonly string[]
  readonly paths?: readonly string[]
  readonly users?: readonly string[]
  /** Mode eject: an absolute path. */
  readonly to?: string | undefined
}

/** Which passphrases the work needs, once it is known whether there is one already. Zeroed after use. */
export type Passphrases = (known: boolean) => Promise<{ passphrase: Buffer; newPassphrase?: Buffer }>

/**
 * Work on vaults that needs the passphrase: the daemon makes a keeper ready, the keeper does it.
 * @throws GuardError what either refused with, `wrong-passphrase` among others.
 */
export async function openVault(work: VaultWork, passphrases: Passphrases): Promise<OpenReport> {
  const { socket, ticket, known } = await callDaemon('vault.open', {
    mode: work.mode,
    policies: [...(work.policies ?? [])],
    paths: (work.paths ?? []).map((path) => Buffer.from(path)),
    users: [...(work.users ?? [])],
    ...(work.to !== undefined && { to: Buffer.from(work.to) }),
  })
  const given = await passphrases(known)
  try {
    const { report } = await callKeeper(socket, 'keeper.open', { ticket, ...given })
    const done = report as OpenReport
    sayFailedBefore(done.failedBefore)
    return done
  } finally {
    given.passphrase.fill(0)
    given.newPassphrase?.fill(0)
  }
}
