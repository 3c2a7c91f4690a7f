import { closeSync, constants, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { GuardError } from '../../domain/errors.ts'
import { tryLock } from '../libc.ts'
import { asDiskFull } from '../own-files.ts'
import { ensurePlace } from '../safe-place.ts'

const retryMs = 10
/** Longest wait: a passphrase change over many vaults holds it for seconds. */
const patienceMs = 15_000

/**
 * Runs work that changes vaults, one process at a time for the whole account. The kernel lets go of the
 * lock (flock(2)) when its holder dies, however it dies.
 *
 * @throws GuardError vault-busy when another process is at it for longer than 15 s, disk-full, place-unsafe
 */
export async function withVaultsLocked<Result>(
  vaultsDir: string,
  work: () => Promise<Result>,
): Promise<Result> {
  ensurePlace(vaultsDir, 'private', 0o700)
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const descriptor = openSync(join(vaultsDir, '.lock'), flags, 0o600)
  try {
    await acquire(descriptor)
    return await work()
  } catch (error) {
    throw asDiskFull(error, vaultsDir)
  } finally {
    closeSync(descriptor)
  }
}

async function acquire(descriptor: number): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  while (!tryLock(descriptor)) {
    if (performance.now() > giveUpAt)
      throw new GuardError('vault-busy', 'the vaults are in use by another process')
    await delay(retryMs)
  }
}
