import type { DaemonReport } from '../protocol/reports.ts'
import { protocolVersion } from '../protocol/messages.ts'
import { createAlarm, createClock, sleptMs } from '../platform/clock.ts'
import { createDepartureWatch } from '../platform/departures/create-departure-watch.ts'
import { places } from '../platform/dirs.ts'
import type { Dirs } from '../platform/dirs.ts'
import { installRoot, nativePath, nativeSupervisorPath, version } from '../platform/install.ts'
import { createNotifications } from '../platform/notifications.ts'
import { openJournal } from '../platform/journal/open-journal.ts'
import { createRequestJournal } from '../platform/journal/request-journal.ts'
import { createKeepers } from '../platform/keepers/create-keepers.ts'
import { createLog } from '../platform/log/create-log.ts'
import { createFileWatch } from '../platform/file-watch/create-file-watch.ts'
import { createLeftOut } from '../platform/left-out-file.ts'
import { createPolicySource, organisationFile } from '../platform/policy-file/create-policy-source.ts'
import { createProcessTable } from '../platform/processes/process-table.ts'
import { createPolicyCommands } from '../platform/run-policy-command.ts'
import { createReaper } from '../platform/reaper/create-reaper.ts'
import { createPrograms } from '../platform/programs.ts'
import { createKubeconfigs } from '../platform/scribes/create-kubeconfigs.ts'
import { createSyslog } from '../platform/syslog.ts'
import { createStatusFile } from '../platform/status-file.ts'
import { createTerminals } from '../platform/terminal/create-terminals.ts'
import { pendingRevocations } from '../platform/revocations.ts'
import { createTraces } from '../platform/traces.ts'
import { createVaultCatalogue } from '../platform/vault-catalogue.ts'
import { AbsorbSecrets } from '../usecases/absorb-secrets.ts'
import { FindProgram } from '../usecases/find-program.ts'
import { ChallengedClients } from '../usecases/issue-credential.ts'
import { keepDeadlines, rearm } from '../usecases/keep-deadlines.ts'
import { isThere, personsTerminal } from '../usecases/led-terminal.ts'
import { LockOnDeparture } from '../usecases/lock-on-departure.ts'
import { LockSession } from '../usecases/lock-session.ts'
import { VaultWork } from '../usecases/open-vaults.ts'
import type { ProcessId } from '../usecases/ports.ts'
import { Questions } from '../usecases/questions.ts'
import { RunLockCommands } from '../usecases/run-lock-commands.ts'
import { SessionTable } from '../usecases/session-table.ts'
import { Supervisors } from '../usecases/supervisors.ts'
import { SuspendedStreams } from '../usecases/suspended-streams.ts'
import { SweepSessions } from '../usecases/sweep-sessions.ts'
import { TellShells } from '../usecases/tell-shells.ts'
import { unnoticedDeparture } from '../usecases/unnoticed-departure.ts'
import { WatchMisuse } from '../usecases/watch-misuse.ts'
import type { HandOver } from './hand-over.ts'
import type { Service } from './service.ts'

export type World = ReturnType<typeof compose>

interface Hooks {
  readonly service: Service
  readonly handOver: HandOver
  readonly stop: () => void
}

/** The only place where ports meet what implements them. */
export function compose(dirs: Dirs, hooks: Hooks) {
  const log = createLog({ file: places.logFile(dirs), level: 'info' })
  const clock = createClock()
  const journal = openJournal({ path: places.journal(dirs), now: () => clock.now().wallMs })
  const requests = createRequestJournal({ path: places.requests(dirs), now: () => clock.now().wallMs })
  const policies = createPolicySource({ userFile: places.config(dirs), organisationFile, log })
  const vaults = createVaultCatalogue(places.vaults(dirs))
  const processes = createProcessTable()
  const supervisors = new Supervisors({
    clock,
    journal,
    processes,
    program: nativeSupervisorPath(),
    table: () => table,
  })
  const terminals = supervisors.over(createTerminals())
  const kubeconfigs = createKubeconfigs({ log })
  const keepers = createKeepers({ log, requested: requests.record })
  const reaper = createReaper({ log, tablePath: places.liveTable(dirs) })
  const programs = createPrograms({ shims: places.shims(dirs), binaries: ownBinaries() })
  const notifications = createNotifications({ log })
  const statusFile = createStatusFile(places.status(dirs), log)
  const shells = new TellShells({
    clock,
    policies,
    vaults,
    statusFile,
    processes,
    table: () => table,
    self: ownId(),
    withdrawn: (guarded) => supervisors.warn(guarded, ''),
    warned: (guarded, text, notification) => {
      supervisors.warn(guarded, text)
      if (table.rules(guarded.policy).notify === 'auto') notifications.notify(notification)
    },
  })
  const alarm = hooks.service.watched(
    createAlarm(clock, () =>
      keepDeadlines({
        clock,
        log,
        processes,
        reaper,
        terminals,
        table,
        alarm,
        shells,
        suspended,
        departures,
      }),
    ),
  )
  const commands = createPolicyCommands({ log })
  const misuse = new WatchMisuse({
    clock,
    journal,
    log,
    policies,
    commands,
    syslog: createSyslog(process.env),
    notifications,
    table: () => table,
  })
  const traces = createTraces(places.traces(dirs))
  const lockCommands = new RunLockCommands({ journal, log, commands, table: () => table })
  const sweep = new SweepSessions({ journal, kubeconfigs, log, traces, lockCommands, table: () => table })
  const suspended = new SuspendedStreams({
    clock,
    journal,
    log,
    processes,
    reaper,
    supervisors,
    table: () => table,
  })
  const lockSession = new LockSession({
    journal,
    log,
    processes,
    reaper,
    supervisors,
    suspended,
    sweep,
    table: () => table,
  })
  const table = new SessionTable(
    {
      clock,
      policies,
      vaults,
      processes,
      departed: (guarded) => unnoticedDeparture({ sleptMs, processes }, guarded),
      terminalOf: (facts) => personsTerminal(processes, facts, supervisors.around(facts)),
      isThere: (terminal) => isThere(processes, terminal),
    },
    (guarded, reason) => {
      const wasOpen = guarded.keeper !== undefined
      lockSession.begin(guarded, reason)
      if (wasOpen) shells.locked(guarded)
      const over = (): void => hooks.handOver.afterLock(table)
      void lockSession.settled(guarded).then(over, over)
    },
    () => {
      shells.changed()
      departures.attend()
    },
  )
  const departures: LockOnDeparture = new LockOnDeparture({
    table,
    lockSession,
    watch: createDepartureWatch({ log, seen: (departure) => departures.seen(departure) }),
  })
  const questions = new Questions({ clock, processes }, (onWake) => createAlarm(clock, onWake))
  const plugin = { command: `${places.plugins(dirs)}/kubeguard-credential`, env: pluginEnvironment() }
  const absorb: AbsorbSecrets = new AbsorbSecrets({
    clock,
    journal,
    kubeconfigs,
    leftOut: createLeftOut(places.leftOut(dirs), log),
    log,
    plugin,
    policies,
    shells,
    vaults,
    watch: createFileWatch({ log }),
    alarm: createAlarm(clock, () => absorb.tryAgain()),
  })
  // As it was started: an update changes what is on disk.
  const startedVersion = version()
  const startedAtMs = clock.now().wallMs
  const problems = (): string[] => [...journal.problems(), ...requests.problems(), ...absorb.problems()]
  return {
    clock,
    journal,
    requests,
    policies,
    vaults,
    processes,
    reaper,
    terminals,
    kubeconfigs,
    keepers,
    log,
    notifications,
    table,
    lockSession,
    lockCommands,
    misuse,
    revocations: { pending: (nowMs: number) => pendingRevocations(places.revocations(dirs), nowMs) },
    departures,
    shells,
    statusFile,
    supervisors,
    suspended,
    sweep,
    traces,
    findProgram: new FindProgram(programs, processes),
    challenged: new ChallengedClients(),
    questions,
    vaultWork: new VaultWork(),
    plugin,
    absorb,
    rearm: () => rearm({ table, clock, alarm, shells }),
    problems,
    stop: hooks.stop,
    handOver: hooks.handOver,
    reportDaemon: (): DaemonReport => ({
      version: startedVersion,
      protocol: protocolVersion,
      pid: process.pid,
      startedAtMs,
      socket: places.socket(dirs),
      logFile: places.logFile(dirs),
      byService: hooks.service.isManaged,
      problems: problems(),
    }),
  }
}

/** @throws Error where /proc does not show this process: then nothing of the daemon would work. */
function ownId(): ProcessId {
  const { pid, startTicks } = createProcessTable().inspect(process.pid) as ProcessId
  return { pid, startTicks }
}

function ownBinaries(): string[] {
  const root = installRoot()
  const launchers = ['kubectl', 'kubeguard-credential', 'kubeguard'].map((name) => `${root}/bin/${name}`)
  return [nativePath(), `${nativePath()}-libc`, ...launchers]
}

/** A moved installation is found again by the plugin only if kubeconfig says where it is. */
function pluginEnvironment(): Record<string, string> {
  const home = process.env['KUBEGUARD_HOME']
  return home === undefined || home === '' ? {} : { KUBEGUARD_HOME: home }
}
