import { Command, CommanderError } from '@commander-js/extra-typings'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { errorCatalogue } from '../domain/errors.ts'
import { exitCodes } from '../domain/exit-codes.ts'
import { version } from '../platform/install.ts'
import { adoptCommand } from './commands/adopt.ts'
import { auditCommand } from './commands/audit.ts'
import { clusterCommand } from './commands/cluster.ts'
import { completeCommand } from './commands/complete.ts'
import { credentialCommand } from './commands/credential.ts'
import { daemonCommand } from './commands/daemon.ts'
import { doctorCommand } from './commands/doctor.ts'
import { ejectCommand } from './commands/eject.ts'
import { extendCommand } from './commands/extend.ts'
import { holdCommand } from './commands/hold.ts'
import { initCommand } from './commands/init.ts'
import { killCommand } from './commands/kill.ts'
import { lockCommand } from './commands/lock.ts'
import { logCommand } from './commands/log.ts'
import { passwdCommand } from './commands/passwd.ts'
import { playgroundCommand } from './commands/playground.ts'
import { policyCommand } from './commands/policy.ts'
import { promptCommand } from './commands/prompt.ts'
import { psCommand } from './commands/ps.ts'
import { resetCommand } from './commands/reset.ts'
import { serviceCommand } from './commands/service.ts'
import { shimCommand } from './commands/shim.ts'
import { shellCommand } from './commands/shell.ts'
import { statusCommand } from './commands/status-command.ts'
import { sweepCommand } from './commands/sweep.ts'
import { uninstallCommand } from './commands/uninstall.ts'
import { unlockCommand } from './commands/unlock.ts'
import { sayFailure } from './output.ts'

/** Every command, in the order of a day with it. */
export function createProgram() {
  const program = new Command('kubeguard')
    .description('a time limit on kubectl: idle, and the credentials are gone')
    .version(version(), '--version', 'print the version')
    .addHelpText('after', '\nExample:\n  $ kubeguard init\n  $ kubeguard unlock\n  $ kubeguard status')
    .addHelpText('after', () => `\nExit codes:\n${exitCodeLines()}`)
    .enablePositionalOptions()
  const commands = [
    [initCommand(), unlockCommand(), lockCommand(), statusCommand()],
    [psCommand(), killCommand(), holdCommand(), extendCommand()],
    [
      adoptCommand(),
      ejectCommand(),
      auditCommand(),
      clusterCommand(),
      policyCommand(),
      logCommand(),
      passwdCommand(),
      resetCommand(),
    ],
    [
      doctorCommand(),
      daemonCommand(),
      serviceCommand(),
      shimCommand(),
      shellCommand(),
      promptCommand(),
      sweepCommand(),
      completeCommand(() => program),
      playgroundCommand(),
      credentialCommand(),
      uninstallCommand(),
    ],
  ]
  for (const each of commands.flat()) program.addCommand(each)
  catchUsage(program)
  return program
}

const exitCodeLines = (): string =>
  Object.entries(exitCodes)
    .map(([code, [means]]) => `  ${code.padStart(3)}  ${means}`)
    .join('\n')

/** Usage mistakes come to us as errors, and are said in our own words. */
function catchUsage(command: CommandUnknownOpts): void {
  command.exitOverride().configureOutput({ outputError: () => {} })
  for (const each of command.commands) catchUsage(each)
}

/** Runs the command that argv names; a usage mistake is exit code 64. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = reportUsage(error)
  }
}

function reportUsage(error: CommanderError): number {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0
  const { exitCode, cure } = errorCatalogue.usage
  // Help that was printed because the command was missing.
  if (error.code === 'commander.help') return exitCode
  const [message = '', hint = ''] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = /Did you mean (.+)\?/.exec(hint)?.[1]
  sayFailure(message, suggestion === undefined ? cure : `did you mean: ${suggestion}`)
  return exitCode
}
