import { errorCatalogue, GuardError } from '../domain/errors.ts'
import { sayFailure } from './output.ts'

/**
 * Says what went wrong, and how to go on.
 * @returns the exit code that docs/errors.md gives for it.
 */
function reportFailure(error: unknown): number {
  if (error instanceof GuardError) {
    sayFailure(error.message, error.cure)
    return error.exitCode
  }
  const { exitCode, cure } = errorCatalogue.internal
  sayFailure(`something unexpected went wrong: ${reasonOf(error)}`, cure)
  if ((process.env['KUBEGUARD_DEBUG'] ?? '') !== '' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`)
  return exitCode
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
}

/**
 * Runs a command and sets the exit code; the process then ends by itself when its output is written.
 * What the command returns is the code, nothing means 0.
 */
export async function runCommand(command: () => Promise<number | void>): Promise<void> {
  try {
    process.exitCode = (await command()) ?? 0
  } catch (error) {
    process.exitCode = reportFailure(error)
  }
}
