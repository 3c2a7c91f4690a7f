import { credentialLeaseMs } from '../domain/credential-lease.ts'
import { clientKey } from './guarded-session.ts'
import type { Client, GuardedSession } from './guarded-session.ts'
import { givesPass } from './gives-pass.ts'
import { holderGraceMs, recordIssued, starterOf } from './issue-credential.ts'
import type { Clock, Fetched, Journal, ProcessTable, Reaper, VaultCatalogue } from './ports.ts'
import { rememberWriter } from './remember-writer.ts'
import type { Target } from './resolve-guard.ts'
import { servedCredentials } from './served-credentials.ts'
import type { SessionTable } from './session-table.ts'
import { trackClient } from './track-client.ts'

interface Deps {
  readonly clock: Clock
  readonly processes: ProcessTable
  readonly reaper: Reaper
  readonly vaults: Pick<VaultCatalogue, 'credentials' | 'kind'>
  readonly table: SessionTable
}

/**
 * A client that the gate let through will ask for its context's credential within milliseconds: it is recorded as a
 * holder now, and the keeper told that its plugin may come. That one finds its answer there, and need not ask the
 * daemon first. Where anything is other than usual nothing is done here, and the plugin asks as any client's does.
 */
export function vouchForClient(deps: Deps, target: Target, client: Omit<Client, 'since'>): void {
  const { guarded, credential } = target
  const { keeper, session, policy, terminal } = guarded
  // No name leads to the keeper of one terminal's session: its plugins ask here first.
  if (terminal !== undefined) return
  if (session.state !== 'unlocked' || keeper === undefined || credential === undefined) return
  if (!servedCredentials(deps, policy).includes(credential)) return
  const known = guarded.clients.get(clientKey(client.id))
  const holdsPass = givesPass(deps, guarded, credential)
  if (known === undefined || (known.holdsPass === true && !holdsPass))
    trackClient(deps, target, { ...client, kind: 'holder', graceMs: holderGraceMs, holdsPass })
  try {
    keeper.vouch({ client: client.id, credential })
  } catch {
    // A keeper that does not listen: the plugin hears of it from the daemon.
  }
}

/** What was vouched for was fetched: now it is known that it was, and by which program. */
export function noteFetched(
  deps: Pick<Deps, 'clock' | 'processes'> & {
    readonly journal: Journal
    readonly table: SessionTable
    readonly vaults: VaultCatalogue
  },
  guarded: GuardedSession,
  { client, credential, program }: Fetched,
): void {
  const key = clientKey(client)
  const known = guarded.clients.get(key)
  const credentialEndsMs = deps.clock.now().wallMs + credentialLeaseMs
  if (known !== undefined) guarded.clients.set(key, { ...known, credentialEndsMs })
  if (guarded.session.state === 'unlocked')
    rememberWriter(deps, guarded, { ...client, program }, () => starterOf(deps, client))
  recordIssued(deps, { policy: guarded.policy, credential }, { ...client, program })
}
