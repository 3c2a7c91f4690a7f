import { callDaemon } from '../../client/call.ts'
import type { DaemonReport } from '../../protocol/reports.ts'
import { clean } from '../clean-text.ts'
import { command, jsonOption } from '../command.ts'
import { formatTimestamp } from '../duration.ts'
import { runCommand } from '../failure.ts'
import { print, printJson, say } from '../output.ts'

export function daemonCommand() {
  const start = command('start', 'start it, where none is running', 'kubeguard daemon start').action(() =>
    runCommand(startDaemon),
  )
  const stop = command('stop', 'lock every session and end it', 'kubeguard daemon stop').action(() =>
    runCommand(stopRunning),
  )
  const restart = command(
    'restart',
    'lock every session, end it, start it anew',
    'kubeguard daemon restart',
  ).action(() => runCommand(restartDaemon))
  const status = command(
    'status',
    'is one running, and which; exit code 75 where none is',
    'kubeguard daemon status --json',
  )
    .addOption(jsonOption())
    .action((options) => runCommand(() => showDaemon(options)))
  const run = command(
    'run',
    'run it in the foreground, for a service manager',
    'kubeguard daemon run',
  ).action(() => runCommand(runHere))
  return command('daemon', 'the process that keeps the sessions’ state', 'kubeguard daemon restart')
    .addCommand(start)
    .addCommand(stop)
    .addCommand(restart)
    .addCommand(status)
    .addCommand(run)
}

async function startDaemon(): Promise<void> {
  const { version, pid } = await report(true)
  say(`daemon ${version} is running, process ${pid}`)
}

async function stopRunning(): Promise<void> {
  const { stopDaemon } = await import('../../client/stop-daemon.ts')
  const { how } = await stopDaemon()
  say(how === 'not-running' ? 'no daemon is running' : 'every session is locked, the daemon has ended')
}

async function restartDaemon(): Promise<void> {
  await stopRunning()
  await startDaemon()
}

async function showDaemon(options: { json?: true | undefined }): Promise<void> {
  const found = await report(false)
  if (options.json) return printJson(found)
  print(
    `daemon ${found.version}, protocol ${found.protocol}, process ${found.pid}, since ${formatTimestamp(found.startedAtMs)}`,
  )
  print(`socket ${clean(found.socket)}`)
  print(`log ${clean(found.logFile)}`)
  for (const problem of found.problems) print(`! ${clean(problem)}`)
}

async function report(start: boolean): Promise<DaemonReport> {
  const answer = await callDaemon('daemon.status', {}, { start })
  return answer.report as DaemonReport
}

/** Becomes the daemon (execve(2)), so that a service manager's pid, signals, sockets and log are its own. */
async function runHere(): Promise<void> {
  const { daemonCommand } = await import('../../platform/install.ts')
  const { allowListedEnvironment } = await import('../../hardening/environment.ts')
  const { handedDescriptors, serviceEnvironment } = await import('../../platform/service/environment.ts')
  const { dirs, ensurePlaces } = await import('../../platform/dirs.ts')
  const { keepOverExec } = await import('../../platform/libc.ts')
  ensurePlaces(dirs())
  const [program, ...args] = daemonCommand()
  handedDescriptors(process.env, process.pid).forEach(keepOverExec)
  const environment = { ...allowListedEnvironment(process.env), ...serviceEnvironment(process.env) }
  process.execve?.(program, [program, ...args], environment)
}
