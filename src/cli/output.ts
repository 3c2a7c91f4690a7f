import picocolors from 'picocolors'
import { clean, cleanLines } from './clean-text.ts'

/**
 * The terminal rules, in one place:
 * - stdout carries data alone; messages, questions and progress go to stderr;
 * - a message is `kubeguard: lower case, no full stop`, and a failure has its cure on the next line;
 * - colour follows NO_COLOR (no-color.org), FORCE_COLOR, TERM=dumb and the stream, in that order;
 * - foreign text passes `clean` before it reaches a terminal.
 */
type Stream = Pick<NodeJS.WriteStream, 'isTTY'>

export function mayColour(stream: Stream, environment: NodeJS.ProcessEnv = process.env): boolean {
  if ((environment['NO_COLOR'] ?? '') !== '') return false
  const forced = environment['FORCE_COLOR'] ?? ''
  if (forced !== '') return forced !== '0' && forced !== 'false'
  return stream.isTTY === true && environment['TERM'] !== 'dumb'
}

/** Colours for a stream; each function leaves the text as it is where the stream shall have none. */
export function coloursFor(stream: Stream): ReturnType<typeof picocolors.createColors> {
  return picocolors.createColors(mayColour(stream))
}

/** A message on stderr, its cure or further lines below it. */
export function say(message: string, ...more: readonly string[]): void {
  const { bold, dim } = coloursFor(process.stderr)
  const lines = [`${bold('kubeguard:')} ${clean(message)}`, ...more.map((line) => dim(clean(line)))]
  process.stderr.write(`${lines.join('\n')}\n`)
}

/** A failure on stderr; `cure` says how to go on. */
export function sayFailure(message: string, cure: string): void {
  const { bold, red } = coloursFor(process.stderr)
  process.stderr.write(`${bold(red('kubeguard:'))} ${clean(message)}\n${clean(cure)}\n`)
}

/** Data on stdout. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2))
}

/** `kubeguard log | head` ends quietly, as a program ended by SIGPIPE: 128 + 13. */
export function endQuietlyOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(141)
      throw error
    })
  }
}

/** Each step of a longer work, on stderr. */
export function sayStep(text: string): void {
  const { green } = coloursFor(process.stderr)
  process.stderr.write(`${green('✓')} ${clean(text)}\n`)
}

/** What is going on, where it takes a moment: for a person at a terminal. */
export function sayProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${coloursFor(process.stderr).dim(`… ${clean(text)}`)}\n`)
}

/** A unified diff in lines, coloured as the stream has it. */
export function diffLines(diff: string, stream: Stream): string[] {
  const { red, green } = coloursFor(stream)
  const paint = (line: string): string =>
    line.startsWith('-') ? red(line) : line.startsWith('+') ? green(line) : line
  return cleanLines(diff).trimEnd().split('\n').map(paint)
}
