import { leaveTerminalAlone } from '../client/tty-leave.ts'
import { runCommand } from './failure.ts'
import { endQuietlyOnBrokenPipe } from './output.ts'

leaveTerminalAlone()
endQuietlyOnBrokenPipe()
void run(process.argv.slice(2))

/** `status` runs in prompts and status bars: it does not wait until the runtime has taken itself apart. */
async function run(args: readonly string[]): Promise<void> {
  await runCommand(() => main(args))
  // What was written is out: to files, pipes and terminals that is synchronous here (Node’s process I/O).
  if (plainStatus(args) !== undefined) process.exit()
}

/** `status` goes past the parser of all other commands. */
async function main(args: readonly string[]): Promise<number | void> {
  const plain = plainStatus(args)
  if (plain !== undefined) {
    const { status } = await import('./commands/status.ts')
    return status(plain.policy, plain)
  }
  const { runProgram } = await import('./program.ts')
  await runProgram(args)
  return Number(process.exitCode ?? 0)
}

/** @returns what was asked for, where the arguments are `status [POLICY] [--json]` and nothing else. */
function plainStatus(args: readonly string[]): { policy: string | undefined; json: boolean } | undefined {
  if (args[0] !== 'status') return undefined
  const rest = args.slice(1).filter((argument) => argument !== '--json')
  if (rest.length > 1 || rest.some((argument) => argument.startsWith('-'))) return undefined
  return { policy: rest[0], json: args.includes('--json') }
}
