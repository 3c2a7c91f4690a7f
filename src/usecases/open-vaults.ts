import { randomBytes } from 'node:crypto'
import { GuardError } from '../domain/errors.ts'
import type { JournalEvent } from '../domain/event.ts'
import type { ReplyOf, RequestOf } from '../protocol/messages.ts'
import type { AbsorbSecrets } from './absorb-secrets.ts'
import type {
  Clock,
  Journal,
  Keeper,
  KeeperMode,
  Keepers,
  Log,
  Opened,
  OpenedAnswer,
  ProcessFacts,
  ProcessTable,
  VaultCatalogue,
} from './ports.ts'
import type { SessionTable } from './session-table.ts'
import { failedBefore, failuresKey, forgiveFailures, recordFailure, refuseEarly } from './failed-unlocks.ts'
import type { FailureDeps } from './failed-unlocks.ts'

interface Deps extends FailureDeps {
  readonly clock: Clock
  readonly journal: Journal
  readonly keepers: Keepers
  readonly log: Log
  readonly processes: ProcessTable
  readonly vaults: VaultCatalogue
  readonly table: SessionTable
  readonly vaultWork: VaultWork
  readonly absorb: Pick<AbsorbSecrets, 'ejecting'>
}

/** The keeper whose passphrase has not come yet; a new one ends it. What was proven is left to finish. */
export class VaultWork {
  #unproven: Keeper | undefined

  begin(keeper: Keeper): void {
    this.#unproven = keeper
  }

  prove(keeper: Keeper): void {
    if (this.#unproven === keeper) this.#unproven = undefined
  }

  async end(): Promise<void> {
    const keeper = this.#unproven
    this.#unproven = undefined
    await keeper?.end()
  }
}

type Request = RequestOf<'vault.open'>
type WorkMode = Exclude<KeeperMode, 'unlock'>

const events: Record<WorkMode, JournalEvent> = {
  'create': 'vault-created',
  'rewrap': 'passphrase-changed',
  'recovery-key': 'recovery-key-made',
  'eject': 'ejected',
  'move': 'access-changed',
  'reset': 'vault-reset',
}

/**
 * Work on vaults that needs the passphrase and opens no session: create, rewrap (passwd), eject, move. Wrong
 * passphrases count as at an unlock.
 */
export async function openVaults(
  deps: Deps,
  request: Request,
  peerPid: number,
): Promise<ReplyOf<'vault.open'>> {
  const mode = modeOf(request.mode)
  const client = deps.processes.inspect(peerPid)
  if (client === undefined)
    throw new GuardError('ticket-refused', 'the asking process can’t be seen from here')
  // A reset proves nothing, so nothing is guessed by it; who has forgotten the passphrase has tried often enough.
  const recovery = request.recovery === true
  if (recovery && mode !== 'rewrap')
    throw new GuardError('protocol-error', 'a recovery key is for a new passphrase')
  if (mode !== 'reset' && !recovery) refuseEarly(deps)
  if (mode === 'reset' && request.policies.length === 0)
    throw new GuardError('protocol-error', 'a reset names its policies')
  const [only] = request.policies
  if (mode === 'move' && (only === undefined || request.policies.length > 1))
    throw new GuardError('protocol-error', 'a move names its policy')
  const policies = request.policies.length > 0 ? request.policies : deps.vaults.policies()
  for (const policy of policies) deps.table.get(policy)
  const paths = request.paths.map((path) => path.toString())
  // One at a time for the account: guesses side by side would all begin before the first is counted.
  await deps.vaultWork.end()
  const keeper = await deps.keepers.start({
    mode,
    policies: [...policies],
    generation: 0,
    paths,
    users: request.users,
    recovery,
    // As the rules have it by now, whoever asks.
    ...(mode === 'move' && only !== undefined && { access: deps.table.rules(only).access }),
    ...(request.to !== undefined && { to: request.to.toString() }),
  })
  deps.vaultWork.begin(keeper)
  const ejecting = mode === 'eject' ? deps.absorb.ejecting() : undefined
  keeper.onExit(() => ejecting?.end())
  keeper.onOpened((opened) => {
    ejecting?.note(opened.report?.ejected ?? [])
    return judge(deps, keeper, { mode, client }, opened)
  })
  const ticket = randomBytes(32)
  keeper.expect({ ticket, client, purpose: 'open' })
  return { socket: Buffer.from(keeper.socket), ticket, known: deps.vaults.policies().length > 0 }
}

function modeOf(text: string): WorkMode {
  if (Object.hasOwn(events, text)) return text as WorkMode
  throw new GuardError('protocol-error', 'unknown mode of vault.open')
}

interface Work {
  readonly mode: WorkMode
  readonly client: ProcessFacts
}

function judge(
  deps: Deps,
  keeper: Keeper,
  { mode, client }: Work,
  { failure, report }: Opened,
): OpenedAnswer {
  deps.vaultWork.prove(keeper)
  if (failure !== undefined) {
    recordFailure(deps, failuresKey, { failure, client })
    return { accepted: false }
  }
  const forgiven = mode === 'reset' ? {} : forgiveFailures(deps)
  const counts = { eject: report?.ejected?.length ?? 0, move: report?.moved?.length ?? 0 }
  for (const policy of report?.policies ?? []) {
    const count = mode === 'eject' || mode === 'move' ? counts[mode] : 1
    deps.journal.recordDurably({ event: events[mode], policy, details: { count } })
  }
  return { accepted: true, ...failedBefore(forgiven) }
}
