import { callDaemon } from '../client/call.ts'
import { GuardError } from '../domain/errors.ts'
import type { LockReport, MovingUser, OpenReport } from '../protocol/reports.ts'
import { clean } from './clean-text.ts'
import { openVault } from './open-vault.ts'
import { say, sayFailure } from './output.ts'
import { askedOnce, passphraseSource } from './passphrase.ts'

/** kubeconfig files that could not be written as they were meant. */
const exitUnusable = 78

/**
 * Takes users that are adopted behind the gateway that their policy has by now, or out from behind it, and locks what still
 * serves them as before. What is sealed changes with it, so the passphrase is asked for, once.
 * @returns the exit code. @throws GuardError what the keeper refused with
 */
export async function moveUsers(
  moving: readonly MovingUser[],
  paths: readonly string[],
  { passphraseFd }: { readonly passphraseFd?: number | undefined },
): Promise<number> {
  if (moving.length === 0) return 0
  const source = askedOnce(await passphraseSource({ passphraseFd, cure: 'run: kubeguard adopt' }))
  try {
    let isWhole = true
    for (const [policy, own] of Map.groupBy(moving, (one) => one.policy)) {
      const work = { mode: 'move', policies: [policy], paths, users: own.map(({ user }) => user) } as const
      const question = `passphrase, for ${policy} to have access: ${own[0]?.access ?? ''}`
      const report = await openVault(work, async () => ({ passphrase: await source.ask(question) }))
      sayMoved(policy, own[0]?.access, report)
      if ((report.moved ?? []).length > 0) await lockWhatServesAsBefore(policy)
      isWhole &&= (report.failed ?? []).length === 0
    }
    return isWhole ? 0 : exitUnusable
  } finally {
    source.forget()
  }
}

function sayMoved(
  policy: string,
  access: MovingUser['access'] | undefined,
  { moved = [], failed = [] }: Pick<OpenReport, 'moved' | 'failed'>,
): void {
  const way = access === 'gateway' ? 'is behind the gateway' : 'is out from behind the gateway'
  for (const { user, file } of moved) say(`${clean(user)} (${clean(file)}) ${way} of ${policy}`)
  for (const { user, message, cure } of failed) sayFailure(`${user} stays as it was: ${message}`, cure)
}

/** A session serves as the rules were when it opened. */
async function lockWhatServesAsBefore(policy: string): Promise<void> {
  const { report } = await callDaemon('session.lock', { policy })
  for (const { wasUnlocked, failures } of report as LockReport[]) {
    if (wasUnlocked) say(`${policy} locked: it served as before`, `go on: kubeguard unlock ${policy}`)
    for (const failure of failures) throw new GuardError('internal', failure)
  }
}
