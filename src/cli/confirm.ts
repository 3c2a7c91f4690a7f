import { GuardError } from '../domain/errors.ts'

/**
 * Asks yes or no on the terminal; returns on yes.
 * @throws GuardError `usage` where there is no terminal (the cure names the flag), `cancelled` on no.
 */
export async function confirm(question: string, options: { withoutTerminal: string }): Promise<void> {
  if (!(await agreed(question, options))) throw cancelled()
}

/** As `confirm`, but a no is an answer too. Ctrl-C ends the command. */
export async function agreed(question: string, options: { withoutTerminal: string }): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new GuardError('usage', `${question} nobody is here to answer`, { cure: options.withoutTerminal })
  }
  const clack = await import('@clack/prompts')
  const answer = await clack.confirm({ message: question, output: process.stderr })
  if (clack.isCancel(answer)) throw cancelled()
  return answer
}

/**
 * Asks for a word to be typed, for what can't be undone.
 * @throws GuardError `usage` where there is no terminal, `cancelled` for anything else than the word.
 */
export async function typed(question: string, word: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new GuardError('usage', `${question} nobody is here to type`, { cure: 'run it at a terminal' })
  }
  // The terminal's own line, which also a script that stands in for a person can fill.
  const { createInterface } = await import('node:readline')
  const lines = createInterface({ input: process.stdin, terminal: false })
  process.stderr.write(`${question} `)
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve)
    lines.once('close', () => resolve(''))
  })
  lines.close()
  if (answer.trim() !== word) throw cancelled()
}

function cancelled(): GuardError {
  return new GuardError('cancelled', 'cancelled')
}
