import { realpathSync } from 'node:fs'
import { GuardError } from '../domain/errors.ts'
import { startRevoker } from '../platform/revoker/start-revoker.ts'
import type { RestoredItem } from '../platform/scribes/job.ts'
import { runScribe } from '../platform/scribes/run-scribe.ts'
import { createVaultCatalogue } from '../platform/vault-catalogue.ts'
import { createVaults } from '../platform/vault/create-vault.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import { openVault, removeItems } from '../platform/vault/open-vault.ts'
import type { OpenVault } from '../platform/vault/open-vault.ts'
import { removeVaults } from '../platform/vault/remove-vaults.ts'
import { rewrapVaults } from '../platform/vault/rewrap.ts'
import type { OpenReport } from '../protocol/reports.ts'
import type { EphemeralOrder, KeeperOrder } from '../usecases/ports.ts'
import type { Dialogue } from './dialogue.ts'
import type { EphemeralHoldings } from './ephemeral/ephemeral-holdings.ts'
import type { Holdings } from './factor.ts'
import { prove } from './prove.ts'

/** What a keeper can be started for. Buffers are the caller's, who wipes them. */
export interface Attempt {
  readonly vaultsDir: string
  readonly order: KeeperOrder
  readonly passphrase: Buffer
  readonly newPassphrase: Buffer | undefined
  readonly dialogue: Pick<Dialogue, 'ask'>
  /** Nobody waits for the answer any more. */
  readonly gone: AbortSignal
}

export interface Done {
  readonly report: OpenReport
  /** Mode unlock: what the session serves; undefined where there is nothing. */
  readonly holdings?: Holdings | undefined
  /** Mode recovery-key: to be shown once. */
  readonly recoveryKey?: string
}

/** Does the order's work. @throws GuardError wrong-passphrase, vault-…, disk-full, usage, … */
export function attempt(given: Attempt): Promise<Done> {
  switch (given.order.mode) {
    case 'unlock':
      return unlock(given)
    case 'create':
      return create(given)
    case 'rewrap':
      return rewrap(given)
    case 'recovery-key':
      return makeRecoveryKey(given)
    case 'eject':
      return eject(given)
    case 'move':
      return move(given)
    case 'reset':
      return reset(given)
  }
}

async function unlock({ vaultsDir, order, passphrase, dialogue, gone }: Attempt): Promise<Done> {
  const [policy] = order.policies
  if (policy === undefined) throw new GuardError('policy-unknown', 'no policy to unlock')
  const opening = order.ephemeral === undefined ? undefined : beginEphemeral(order.ephemeral)
  const { report, holdings } = await prove(
    order.unlock ?? [{ factor: 'passphrase' }],
    { vaultsDir, policy, passphrase, by: order.recovery === true ? 'recovery' : 'passphrase', gone },
    dialogue,
  )
  const proven = { policies: [policy], ...report }
  if (opening === undefined || holdings === undefined) return { report: proven, holdings }
  const ephemeral = await opening(holdings)
  return { report: { ...proven, sessions: await ephemeral.openAll() }, holdings: ephemeral }
}

/** Its revoker starts while the passphrase is worked on. What speaks to clusters is loaded only here. */
function beginEphemeral(order: EphemeralOrder): (inner: Holdings) => Promise<EphemeralHoldings> {
  const revoker = startRevoker()
  const loaded = import('./ephemeral/ephemeral-holdings.ts')
  return async (inner) => new (await loaded).EphemeralHoldings(inner, order, revoker)
}

async function create({ vaultsDir, order, passphrase }: Attempt): Promise<Done> {
  return { report: { policies: await createVaults({ vaultsDir, policies: order.policies, passphrase }) } }
}

async function rewrap({ vaultsDir, order, passphrase, newPassphrase }: Attempt): Promise<Done> {
  if (newPassphrase === undefined) throw new GuardError('usage', 'no new passphrase was given')
  const by = order.recovery === true ? 'recovery' : 'passphrase'
  return { report: { policies: (await rewrapVaults({ vaultsDir, passphrase, by, newPassphrase })).policies } }
}

/** The passphrase stays as it is. */
async function makeRecoveryKey({ vaultsDir, passphrase }: Attempt): Promise<Done> {
  const order = { vaultsDir, passphrase, newPassphrase: passphrase, withRecoveryKey: true }
  const { policies, recoveryKey } = await rewrapVaults(order)
  return { report: { policies }, ...(recoveryKey !== undefined && { recoveryKey }) }
}

async function reset({ vaultsDir, order }: Attempt): Promise<Done> {
  await removeVaults(vaultsDir, order.policies)
  return { report: { policies: order.policies } }
}

async function eject({ vaultsDir, order, passphrase }: Attempt): Promise<Done> {
  const policies = order.policies.length > 0 ? order.policies : createVaultCatalogue(vaultsDir).policies()
  const vaults: OpenVault[] = []
  for (const policy of policies) vaults.push(await openVault(vaultsDir, policy, passphrase))
  const chosen = vaults.flatMap(({ items }) => items).filter(chooser(order))
  if (chosen.length === 0) return { report: { policies, ejected: [] } }
  const results = await runScribe({
    job: 'restore',
    items: chosen,
    paths: order.paths,
    ...(order.to !== undefined && { to: order.to }),
  })
  const restored = results.filter(({ ok }) => ok).map(({ id }) => id)
  // Only what is durably back in its file leaves the vault.
  for (const vault of vaults) {
    const gone = vault.items.filter((item) => chosen.includes(item) && restored.includes(item.id))
    if (gone.length > 0) await removeItems(vaultsDir, vault, gone)
  }
  const { done, failed } = outcomeOf(results)
  return { report: { policies, ejected: done, failed } }
}

/** What an exec plugin gives goes by no gateway. */
async function move({ vaultsDir, order, passphrase }: Attempt): Promise<Done> {
  const [policy] = order.policies
  if (policy === undefined || order.access === undefined)
    throw new GuardError('policy-unknown', 'no policy to move')
  const { items } = await openVault(vaultsDir, policy, passphrase)
  const chosen = items.filter(chooser(order)).filter(({ exec }) => exec === undefined)
  const { access, paths } = order
  const results = await runScribe({ job: 'move', items: chosen, policy, access, paths })
  const { done, failed } = outcomeOf(results)
  return { report: { policies: [policy], moved: done, failed } }
}

function outcomeOf(results: readonly RestoredItem[]) {
  return {
    done: results.filter(({ ok }) => ok).map(nameOf),
    failed: results.flatMap((result) =>
      result.ok ? [] : [{ ...nameOf(result), message: result.message, cure: result.cure }],
    ),
  }
}

function chooser({ paths, users }: KeeperOrder): (item: VaultItem) => boolean {
  const files = new Set(paths.flatMap((path) => [path, realPath(path)]))
  return ({ file, user }) =>
    (files.size === 0 || files.has(file)) && (users.length === 0 || users.includes(user))
}

/** Items name their file by its real path; the order may name it by a link. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

const nameOf = ({ user, file }: { user: string; file: string }) => ({ user, file })
