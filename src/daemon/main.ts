import { rmSync } from 'node:fs'
import { hardenProcess } from '../hardening/harden-process.ts'
import { dirs, ensurePlaces, places } from '../platform/dirs.ts'
import { acquireDaemonLock } from '../platform/lock-file.ts'
import type { DaemonLock } from '../platform/lock-file.ts'
import { compose } from './compose.ts'
import type { World } from './compose.ts'
import { createHandlers, lock } from './handlers.ts'
import { createRouter } from './router.ts'
import { listen } from './server.ts'

/** One daemon per account: the loser of a race ends in peace, the winner is found by the clients of both. */
async function main(): Promise<void> {
  hardenProcess()
  process.umask(0o077)
  const found = dirs()
  ensurePlaces(found)
  const admitted = acquireDaemonLock(places.lockFile(found))
  if (admitted === undefined) {
    process.stderr.write(
      'kubeguard: another daemon of this account is running\nlook: kubeguard daemon status\n',
    )
    return
  }
  let stopping = false
  const world = compose(found, {
    stop: () => {
      if (stopping) return
      stopping = true
      leave(world, admitted, places.socket(found))
    },
  })
  endOnSignal(world)
  watchPolicies(world)
  const router = createRouter(createHandlers(world), (name, error) => {
    world.log.error('a request failed', {
      name,
      error: error instanceof Error ? (error.stack ?? error.message) : 'unknown',
    })
  })
  await listen({ path: places.socket(found), router, warn: world.log.warn.bind(world.log) })
  world.journal.record({ event: 'daemon-started', details: { pid: process.pid } })
  world.shells.changed()
  world.absorb.watch()
  admitted.publish(places.socket(found))
  world.log.info('ready', { pid: process.pid })
  void endLeftBehind(world)
  void world.sweep.afterCrash()
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
function endOnSignal(world: World): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => void lock(world, undefined, 'daemon-stopped').finally(world.stop))
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

/** Longer than a lock takes: TERM's grace, and patience with what does not die. */
const lastLockMs = 8_000

/** Keepers end with us, streams would not: what can still be locked is locked first. */
async function lockAndFail(world: World): Promise<never> {
  setTimeout(() => process.exit(exitFailed), lastLockMs)
  try {
    await lock(world, undefined, 'daemon-stopped')
  } finally {
    process.exit(exitFailed)
  }
}

function leave(world: World, admitted: DaemonLock, socket: string): void {
  world.statusFile.flush()
  world.journal.record({ event: 'daemon-stopped', details: { pid: process.pid } })
  world.journal.close()
  rmSync(socket, { force: true })
  admitted.release()
  process.exit(0)
}

/** A tightened policy applies at once, a loosened one at the next unlock. */
function watchPolicies(world: World): void {
  world.policies.onChange(() => {
    world.journal.recordDurably({ event: 'policy-changed' })
    for (const guarded of world.table.all()) {
      const { holders, hold, finishMs, ...limits } = world.table.rules(guarded.policy)
      guarded.endsHolders ||= holders === 'end'
      world.table.advance(guarded, { type: 'limits-tightened', limits })
      world.table.advance(guarded, { type: 'holds-tightened', hold, finishMs })
    }
    world.shells.changed()
    world.rearm()
  })
}

main().catch((error: unknown) => {
  process.stderr.write(
    `kubeguard: the daemon can’t start: ${error instanceof Error ? error.message : String(error)}\n`,
  )
  process.exit(1)
})
