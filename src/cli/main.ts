import { leaveTerminalAlone } from '../client/tty-leave.ts'
import { runCommand } from './failure.ts'
import { endQuietlyOnBrokenPipe } from './output.ts'

leaveTerminalAlone()
endQuietlyOnBrokenPipe()
void run(process.argv.slice(2))

/** `status` runs in prompts and status bars: it does not wait until the runtime has taken itself apart. */
async function run(args: readonly string[]): Promise<void> {
  const plain = plainStatus(args)
  if (plain === undefined) return runCommand(() => runAny(args))
  await runCommand(() => runStatus(plain))
  // What was written is out: to files, pipes and terminals that is synchronous here (Node’s process I/O).
  process.exit()
}

/** Past the parser of all other commands. */
async function runStatus(plain: PlainStatus): Promise<number> {
  const { status } = await import('./commands/status.ts')
  return status(plain.policy, plain)
}

async function runAny(args: readonly string[]): Promise<number> {
  const { runProgram } = await import('./program.ts')
  await runProgram(args)
  return Number(process.exitCode ?? 0)
}

interface PlainStatus {
  readonly policy: string | undefined
  readonly json: boolean
}

/** @returns what was asked for, where the arguments are `status [POLICY] [--json]` and nothing else. */
function plainStatus(args: readonly string[]): PlainStatus | undefined {
  if (args[0] !== 'status') return undefined
  const rest = args.slice(1).filter((argument) => argument !== '--json')
  if (rest.length > 1 || rest.some((argument) => argument.startsWith('-'))) return undefined
  return { policy: rest[0], json: args.includes('--json') }
}
