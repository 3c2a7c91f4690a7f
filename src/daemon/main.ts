import { rmSync } from 'node:fs'
import { allDepartures } from '../domain/departure.ts'
import { refusesSession } from '../domain/policy-credential.ts'
import { asksForMore } from '../domain/policy-unlock.ts'
import { GuardError } from '../domain/errors.ts'
import { hardenProcess } from '../hardening/harden-process.ts'
import { dirs, ensurePlaces, places } from '../platform/dirs.ts'
import { acquireDaemonLock } from '../platform/lock-file.ts'
import type { DaemonLock } from '../platform/lock-file.ts'
import { compose } from './compose.ts'
import type { World } from './compose.ts'
import { createHandlers, lockAndSettle, settleLocks } from './handlers.ts'
import { createRouter } from './router.ts'
import { HandOver, startMeAgain, startSuccessor } from './hand-over.ts'
import { listen } from './server.ts'
import { Service } from './service.ts'

/** One daemon per account: the loser of a race ends in peace, the winner is found by the clients of both. */
async function main(): Promise<void> {
  hardenProcess()
  process.umask(0o077)
  const found = dirs()
  ensurePlaces(found)
  const service = new Service(found)
  const admitted = acquireDaemonLock(places.lockFile(found))
  if (admitted === undefined) {
    process.stderr.write(
      'kubeguard: another daemon of this account is running\nlook: kubeguard daemon status\n',
    )
    await service.standAside()
    process.exit(0)
  }
  let stopping = false
  const stop = (replaced: boolean): void => {
    if (stopping) return
    stopping = true
    leave(world, admitted, { socket: places.socket(found), replaced, isManaged: service.isManaged })
  }
  const handOver = new HandOver({ settle: () => settleLocks(world), leave: () => stop(true) })
  const world = compose(found, { service, handOver, stop: () => stop(false) })
  endOnSignal(world, service)
  watchPolicies(world)
  const router = createRouter(createHandlers(world), {
    onInternal: (name, error) =>
      world.log.error('a request failed', {
        name,
        error: error instanceof Error ? (error.stack ?? error.message) : 'unknown',
      }),
    onOtherVersion: () => void handOver.offer(world.table),
  })
  await listen({ path: places.socket(found), router, warn: world.log.warn.bind(world.log) })
  world.journal.record({ event: 'daemon-started', details: { pid: process.pid } })
  world.shells.changed()
  world.absorb.watch()
  admitted.publish(places.socket(found))
  world.log.info('ready', { pid: process.pid, byService: service.isManaged })
  void service.ready(world.log)
  void endLeftBehind(world)
  void world.sweep.afterCrash()
  void world.misuse.checkChain()
}

/** Where a daemon and its reaper were killed at once, nobody has ended their clients yet. */
async function endLeftBehind({ reaper, journal, log }: World): Promise<void> {
  try {
    const ended = await reaper.endLeftBehind()
    if (ended > 0) journal.record({ event: 'left-behind-ended', details: { ended } })
  } catch (error) {
    log.error('what an earlier daemon left behind was not all ended', { error: String(error) })
  }
}

/** Locks first, so that nothing usable is left behind by a daemon that is asked to go. */
function endOnSignal(world: World, service: Service): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      service.stopping()
      void lockAndSettle(world).finally(world.stop)
    })
  }
  let failing = false
  process.on('uncaughtException', (error) => {
    world.log.error('the daemon fails', { error: error.stack ?? error.message })
    if (failing) process.exit(exitFailed)
    failing = true
    void lockAndFail(world)
  })
}

const exitFailed = 70

/** Longer than a lock takes: TERM's grace, patience with what does not die, and what is run then. */
const lastLockMs = 12_000

/** Keepers end with us, streams would not: what can still be locked is locked first. */
async function lockAndFail(world: World): Promise<never> {
  setTimeout(() => process.exit(exitFailed), lastLockMs)
  try {
    await lockAndSettle(world)
  } finally {
    process.exit(exitFailed)
  }
}

interface Leaving {
  readonly socket: string
  /** Another build is installed: it goes on. */
  readonly replaced: boolean
  readonly isManaged: boolean
}

function leave(world: World, admitted: DaemonLock, { socket, replaced, isManaged }: Leaving): void {
  world.statusFile.flush()
  world.journal.record({ event: 'daemon-stopped', details: { pid: process.pid, replaced } })
  world.journal.close()
  world.requests.close()
  rmSync(socket, { force: true })
  admitted.release()
  if (replaced && isManaged) process.exit(startMeAgain)
  if (replaced) startSuccessor()
  process.exit(0)
}

/** A tightened policy applies at once, a loosened one at the next unlock. */
function watchPolicies(world: World): void {
  world.policies.onChange(() => {
    world.journal.recordDurably({ event: 'policy-changed' })
    for (const guarded of world.table.all()) {
      const { holders, hold, finishMs, lockOn, unlock, ephemeral, ...limits } = world.table.rules(
        guarded.policy,
      )
      guarded.endsHolders ||= holders === 'end'
      guarded.lockOn = allDepartures([guarded.lockOn, lockOn])
      world.table.advance(guarded, { type: 'limits-tightened', limits })
      world.table.advance(guarded, { type: 'holds-tightened', hold, finishMs })
      world.suspended.endOverdue(guarded)
      const isRefused = refusesSession(ephemeral, guarded.openedAs)
      if (guarded.keeper !== undefined && (isRefused || asksForMore(unlock, guarded.provenBy)))
        world.table.advance(guarded, { type: 'lock', reason: 'policy-changed' })
      void world.sweep.withdraw(guarded)
    }
    world.departures.attend()
    world.shells.changed()
    world.rearm()
  })
}

main().catch((error: unknown) => {
  process.stderr.write(
    `kubeguard: the daemon can’t start: ${error instanceof Error ? error.message : String(error)}\n`,
  )
  if (!(error instanceof GuardError)) process.exit(1)
  process.stderr.write(`${error.cure}\n`)
  process.exit(error.exitCode)
})
