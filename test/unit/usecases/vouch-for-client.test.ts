import { expect, test } from 'vitest'
import { defaultPolicies } from '../../../src/domain/policy.ts'
import type { Client } from '../../../src/usecases/guarded-session.ts'
import { clientKey } from '../../../src/usecases/guarded-session.ts'
import type { Keeper, TreeRoot, Voucher } from '../../../src/usecases/ports.ts'
import { SessionTable } from '../../../src/usecases/session-table.ts'
import { noteFetched, vouchForClient } from '../../../src/usecases/vouch-for-client.ts'

const credential = 'default.alice-1'
const id = { pid: 7, startTicks: 70 }

const client: Omit<Client, 'since'> = {
  id,
  kind: 'live',
  program: 'kubectl get',
  command: 'kubectl get pods',
  context: 'test',
  graceMs: 200,
  hasTerminal: true,
}

/** An open session, and all that the keeper, the reaper and the journal were told, in order. */
function openWorld({ finishMs = 0, listens = true } = {}) {
  const clock = { at: 1_000, now: () => ({ bootMs: clock.at, wallMs: clock.at }) }
  const rules = defaultPolicies().map((policy) => ({ ...policy, finishMs }))
  const policies = {
    current: () => rules,
    problems: () => [],
    files: () => [],
    tightenedBy: () => [],
    onChange: () => {},
  }
  const vaults = {
    policies: () => ['default'],
    has: () => true,
    credentials: () => [credential],
    contexts: () => ['test'],
    kind: () => 'token' as const,
    files: () => [],
    pending: () => [],
    wrapped: () => [],
  }
  const processes = {
    inspect: () => undefined,
    ancestry: () => [],
    lineage: () => [],
    isAlive: () => true,
    isCompletion: () => false,
    args: () => ['apply', '-f', 'x.yaml'],
    executable: () => undefined,
  }
  const table = new SessionTable({ clock, policies, vaults, processes }, () => {})
  const guarded = table.get('default')
  const told: (readonly [string, unknown])[] = []
  const keeper = {
    vouch(voucher: Voucher) {
      if (!listens) throw new Error('the keeper does not read')
      told.push(['vouch', voucher])
    },
  }
  const reaper = {
    watch: (root: TreeRoot) => void told.push(['watch', root.id]),
    live: () => {},
    end: () => Promise.resolve(),
    endLeftBehind: () => Promise.resolve(0),
  }
  const journal = {
    record: (entry: unknown) => {
      told.push(['journal', entry])
      return true
    },
  }
  table.advance(guarded, { type: 'unlock-begun' })
  table.advance(guarded, { type: 'unlock-proven', generation: 0, limits: table.limits('default') })
  guarded.keeper = keeper as unknown as Keeper
  const deps = { clock, journal: journal as never, processes, reaper, table, vaults }
  return {
    deps,
    guarded,
    table,
    told,
    target: { context: 'test', namespace: undefined, guarded, credential },
  }
}

test('the client is a holder before the keeper hears of it', () => {
  const { deps, guarded, told, target } = openWorld()
  vouchForClient(deps, target, client)
  expect(told).toEqual([
    ['watch', id],
    ['vouch', { client: id, credential }],
  ])
  const known = guarded.clients.get(clientKey(id))
  expect(known).toMatchObject({ kind: 'holder', graceMs: 2_000 })
  expect(known?.credentialEndsMs).toBeUndefined()
})

test('behind a gateway it is known to have a pass alone, until it is given more', () => {
  const { deps, guarded, told, target } = openWorld()
  guarded.access = 'gateway'
  vouchForClient(deps, target, client)
  expect(guarded.clients.get(clientKey(id))?.holdsPass).toBe(true)
  guarded.access = 'plugin'
  vouchForClient(deps, target, client)
  expect(guarded.clients.get(clientKey(id))?.holdsPass).toBe(false)
  expect(told.map(([what]) => what)).toEqual(['vouch', 'watch', 'vouch'])
  guarded.access = 'gateway'
  vouchForClient(deps, target, client)
  expect(guarded.clients.get(clientKey(id))?.holdsPass).toBe(false)
})

test('one that is live stays live', () => {
  const { deps, guarded, target } = openWorld()
  guarded.clients.set(clientKey(id), { ...client, since: deps.clock.now() })
  vouchForClient(deps, target, client)
  expect(guarded.clients.get(clientKey(id))).toMatchObject({ kind: 'live', graceMs: 200 })
})

test('nobody is vouched for without a credential of this vault, or where the session is not open to all', () => {
  const { deps, guarded, table, told, target } = openWorld()
  vouchForClient(deps, { ...target, credential: undefined }, client)
  vouchForClient(deps, { ...target, credential: 'default.bob-1' }, client)
  const process = { pid: 9, startTicks: 90 }
  const hold = { process, kind: 'hold', forMs: 3_600_000, since: deps.clock.now() } as const
  table.advance(guarded, { type: 'hold-given', hold })
  deps.clock.at += table.limits('default').idleMs
  table.advance(guarded, { type: 'time-passed' })
  expect(guarded.session.state).toBe('held')
  vouchForClient(deps, target, client)
  table.advance(guarded, { type: 'lock', reason: 'manual' })
  vouchForClient(deps, target, client)
  expect(told).toEqual([])
})

test('no name leads to the keeper of one terminal’s session, so nobody is vouched for', () => {
  const { deps, guarded, told, target } = openWorld()
  const terminal = { leader: { pid: 5, startTicks: 50 }, device: 1 }
  vouchForClient(deps, { ...target, guarded: { ...guarded, terminal } }, client)
  expect(told).toEqual([])
})

test('a keeper that does not listen keeps nobody from running: the plugin asks', () => {
  const { deps, told, target } = openWorld({ listens: false })
  vouchForClient(deps, target, client)
  expect(told).toEqual([['watch', id]])
})

test('what was fetched is in the journal with the program that runs by now, and ends with its time', () => {
  const { deps, guarded, told, target } = openWorld()
  vouchForClient(deps, target, client)
  deps.clock.at = 5_000
  noteFetched(deps, guarded, { client: id, credential, program: 'kubectl' })
  expect(guarded.clients.get(clientKey(id))?.credentialEndsMs).toBe(125_000)
  expect(told.at(-1)).toEqual([
    'journal',
    {
      event: 'credential-issued',
      policy: 'default',
      details: { program: 'kubectl', pid: 7, credential, context: 'test' },
    },
  ])
})

test('a writer that fetched is let finish, where the policy says so; not one that is heard of after the lock', () => {
  const open = openWorld({ finishMs: 60_000 })
  noteFetched(open.deps, open.guarded, { client: id, credential, program: 'kubectl' })
  expect(open.guarded.session).toMatchObject({ holds: [{ process: id, kind: 'finish' }] })

  const locked = openWorld({ finishMs: 60_000 })
  locked.table.advance(locked.guarded, { type: 'lock', reason: 'manual' })
  noteFetched(locked.deps, locked.guarded, { client: id, credential, program: 'kubectl' })
  expect(locked.guarded.session.state).toBe('locked')
  expect(locked.told.map(([what]) => what)).toEqual(['journal'])
})
