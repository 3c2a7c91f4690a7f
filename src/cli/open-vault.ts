import { writeSync } from 'node:fs'
import { callDaemon, callKeeper } from '../client/call.ts'
import type { OpenReport } from '../protocol/reports.ts'
import { say } from './output.ts'
import { sayFailedBefore } from './unlock-session.ts'

export interface VaultWork {
  readonly mode: 'create' | 'rewrap' | 'recovery-key' | 'eject' | 'move' | 'reset'
  /** Mode rewrap: the recovery key in the passphrase's place. */
  readonly recovery?: boolean
  readonly policies?: readonly string[]
  readonly paths?: readonly string[]
  readonly users?: readonly string[]
  /** Mode eject: an absolute path. */
  readonly to?: string | undefined
}

/** Data for stdout: whoever wants it elsewhere than on the screen says so. */
function showRecoveryKey(key: Buffer): void {
  say(
    'a recovery key was made, and is shown this once; an older one is worth nothing any more',
    'whoever has it opens every vault: keep it on paper, or in another safe place than this machine',
    'with it: kubeguard unlock --recovery, kubeguard passwd --recovery',
  )
  writeSync(1, Buffer.concat([key, Buffer.from('\n')]))
  key.fill(0)
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
    recovery: work.recovery ?? false,
    ...(work.to !== undefined && { to: Buffer.from(work.to) }),
  })
  const given = await passphrases(known)
  try {
    const { report, recoveryKey } = await callKeeper(socket, 'keeper.open', { ticket, ...given })
    const done = report as OpenReport
    sayFailedBefore(done.failedBefore)
    if (recoveryKey !== undefined) showRecoveryKey(recoveryKey)
    return done
  } finally {
    given.passphrase.fill(0)
    given.newPassphrase?.fill(0)
  }
}
