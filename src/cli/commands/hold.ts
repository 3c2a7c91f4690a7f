import { basename } from 'node:path'
import { callDaemon } from '../../client/call.ts'
import { GuardError } from '../../domain/errors.ts'
import { isSessionKeeper, isShell, readsCommandsFromPerson } from '../../domain/programs.ts'
import { command, durationArgument, jsonOption } from '../command.ts'
import { formatMoment } from '../duration.ts'
import { runCommand } from '../failure.ts'
import { origin } from '../origin.ts'
import { printJson, say } from '../output.ts'
import { givePersonsWord } from '../persons-word.ts'

interface HoldOptions {
  readonly policy?: string | undefined
  readonly json?: true | undefined
}

/** One job after `--`, or the ID of one that runs. */
type Job = { readonly line: readonly string[] } | { readonly pid: number }

export function holdCommand() {
  return command(
    'hold',
    'let a job run unattended: an idle lock leaves it, and what it starts, in peace for so long',
    'kubeguard hold 45m -- make deploy',
    'kubeguard hold 45m 4711',
  )
    .usage('[options] <duration> -- <command...>\n       kubeguard hold [options] <duration> <id>')
    .argument('<duration>', 'for how long; never past the lifetime', durationArgument)
    .argument('[job...]', 'a command after --, or the ID of a live process or holder (kubeguard ps)')
    .option('--policy <name>', 'whose session (default: that of the current context, or of the ID)')
    .addOption(jsonOption())
    .action((forMs, job, options) => runCommand(() => hold(forMs, jobOf(job), options)))
}

/** Tells the launcher, bin/kubeguard, to become the job now: the word was given for its process. */
const goOnCode = 100

async function hold(forMs: number, job: Job, options: HoldOptions): Promise<number> {
  if ('line' in job) refusePersons(job.line)
  const pid = 'pid' in job ? { pid: job.pid } : {}
  const request = { ...origin(), ...pid, forMs, policy: options.policy }
  const { policy, untilWallMs } = await givePersonsWord(() => callDaemon('session.hold', request))
  const what = 'pid' in job ? String(job.pid) : basename(job.line[0] ?? '')
  // stdout is the job's, where there is one.
  if (options.json && 'pid' in job) printJson({ policy, pid: job.pid, untilWallMs })
  else say(`${policy}: ${what} may run until ${formatMoment(untilWallMs)}, whoever is away`)
  return 'line' in job ? goOnCode : 0
}

function jobOf(words: readonly string[]): Job {
  const dashes = process.argv.indexOf('--')
  if (dashes >= 0) {
    const line = process.argv.slice(dashes + 1)
    if (line.length > 0 && line.length === words.length) return { line }
    throw new GuardError('usage', 'no command after --', { cure: 'run: kubeguard hold --help' })
  }
  const [id = ''] = words
  if (words.length === 1 && /^\d{1,10}$/.test(id)) return { pid: Number(id) }
  const cure = 'write: kubeguard hold 45m -- COMMAND, or: kubeguard hold 45m ID'
  throw new GuardError('usage', 'name a command after --, or the ID of what runs already', { cure })
}

/** The daemon would not serve what a person types there: better to say so at once. */
function refusePersons([program = '', ...args]: readonly string[]): void {
  const name = basename(program)
  if (!isSessionKeeper(name) && !(isShell(name) && readsCommandsFromPerson(args))) return
  const cure = 'hold the command itself, or a script'
  throw new GuardError('hold-refused', `${name} is where a person works, and not a job`, { cure })
}
