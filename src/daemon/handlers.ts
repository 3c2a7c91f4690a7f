import { escapeCommands } from '../domain/escape-key.ts'
import { adoptKubeconfig } from '../usecases/adopt-kubeconfig.ts'
import { checkCommand, placeOf } from '../usecases/check-command.ts'
import { endClients } from '../usecases/end-clients.ts'
import { extendSession } from '../usecases/extend-session.ts'
import { giveLogInsBack } from '../usecases/give-log-ins-back.ts'
import { holdSession } from '../usecases/hold-session.ts'
import { issueCredential } from '../usecases/issue-credential.ts'
import { obeyEscape } from '../usecases/obey-escape.ts'
import { openVaults } from '../usecases/open-vaults.ts'
import { reportPolicy } from '../usecases/report-policy.ts'
import { reportStatus } from '../usecases/report-status.ts'
import { join as joinReports } from '../usecases/lock-session.ts'
import { kubeconfigPaths } from '../usecases/resolve-guard.ts'
import { unlockSession } from '../usecases/unlock-session.ts'
import type { LockReport } from '../protocol/reports.ts'
import type { LockReason } from '../domain/event.ts'
import type { World } from './compose.ts'
import type { Handlers } from './router.ts'

/** Entries of one answer to journal.read; a client asks again with `after` for more. */
const journalPage = 1_000

/** Which use case answers which message. */
export function createHandlers(world: World): Handlers {
  return {
    'gate.check': (request, pid) => {
      world.absorb.used(kubeconfigPaths(placeOf(request)))
      return checkCommand(world, request, pid)
    },
    'credential.issue': (request, pid) => issueCredential(world, request, pid),
    'session.unlock': async (request, pid) => {
      world.handOver.beforeWork(world.table)
      const reply = await unlockSession(world, request, pid)
      void world.misuse.checkChain()
      return reply
    },
    'session.give-up': ({ policy }, pid) => {
      const guarded = world.table.find(policy, world.processes.inspect(pid))
      if (guarded !== undefined) world.questions.giveUp(guarded.name, pid)
      return {}
    },
    'session.lock': async ({ policy }) => ({ report: await lock(world, policy, 'manual') }),
    'session.hold': (request, pid) => holdSession(world, request, pid),
    'session.extend': async (request, pid) => ({ report: await extendSession(world, request, pid) }),
    'client.end': async ({ pids }) => ({ report: await endClients(world, pids) }),
    'session.status': async (request, pid) => ({
      status: await reportStatus(world, placeOf(request), pid),
    }),
    'supervisor.begin': ({ device }, pid, gone) =>
      world.supervisors.begin(pid, device, world.terminals, gone()),
    'supervisor.wait': (_, pid) => world.supervisors.wait(pid),
    'supervisor.report': async (request, pid) => {
      world.supervisors.report(pid, request)
      const command = escapeCommands.find((known) => known === request.command)
      if (command !== undefined) await obeyEscape(world, pid, command)
      return {}
    },
    'vault.open': (request, pid) => {
      world.handOver.beforeWork(world.table)
      return openVaults(world, request, pid)
    },
    'kubeconfig.adopt': async ({ paths, ...job }) => {
      world.handOver.beforeWork(world.table)
      return { report: await adoptKubeconfig(world, { paths: paths.map(String), ...job }) }
    },
    'kubeconfig.give-back': async ({ paths, users, to, dryRun }) => ({
      report: await giveLogInsBack(world, {
        paths: paths.map(String),
        users,
        dryRun,
        ...(to !== undefined && { to: to.toString() }),
      }),
    }),
    'kubeconfig.sweep': async (request) => ({
      report: await world.sweep.byHand(kubeconfigPaths(placeOf(request))),
    }),
    'policy.read': ({ context }) => ({ report: reportPolicy(world, context) }),
    'journal.read': ({ after, sinceMs, event, session, requests }) => ({
      entries: (requests ? world.requests : world.journal).read({
        ...(after === undefined ? {} : { after }),
        ...(sinceMs === undefined ? {} : { sinceMs }),
        ...(event === undefined ? {} : { event }),
        ...(session === undefined ? {} : { policy: session }),
        limit: journalPage,
      }),
    }),
    'journal.verify': () => {
      const report = world.journal.verify()
      world.misuse.chainSeen(report)
      return { report }
    },
    'daemon.status': () => ({ report: world.reportDaemon() }),
    'shell.news': async (_, pid, gone) => {
      await world.shells.news(gone(), pid)
      return {}
    },
    'daemon.stop': async () => {
      await lockAndSettle(world)
      setImmediate(world.stop)
      return {}
    },
  }
}

/** What `onLock` names may take this long when the daemon is to go; what is not done then is ended. */
const lastCommandsMs = 4_000

/** Locks everything for good: the daemon is about to end. */
export async function lockAndSettle(world: World): Promise<void> {
  try {
    await lock(world, undefined, 'daemon-stopped')
  } finally {
    await settleCommands(world)
  }
}

/** Locks that are under way come to their end, and what they run. */
export async function settleLocks(world: World): Promise<void> {
  const { table, lockSession } = world
  await Promise.allSettled(table.all().map((guarded) => lockSession.settled(guarded)))
  await settleCommands(world)
}

const settleCommands = async ({ lockCommands, misuse }: World): Promise<void> => {
  await Promise.all([lockCommands.stop(lastCommandsMs), misuse.stop(lastCommandsMs)])
}

/** Locks one policy, on every terminal, or all at once; resolves when every wall stands. @returns one report for each policy */
async function lock(
  world: World,
  policy: string | undefined,
  reason: LockReason,
): Promise<readonly LockReport[]> {
  const chosen = policy === undefined ? world.table.all() : world.table.allOf(policy)
  const reports = await Promise.all(chosen.map((guarded) => world.lockSession.lock(guarded, reason)))
  return [...Map.groupBy(reports, (report) => report.policy).values()].map((same) => same.reduce(joinReports))
}
