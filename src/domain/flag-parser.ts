import { nameOfLetter, shapeOf } from './kubectl-flags.ts'

/** What a command line holds once the verb is known: flags by long name, the last one wins. */
export interface ParsedFlags {
  readonly values: ReadonlyMap<string, string>
  /** Arguments that are no flags, before `--`. */
  readonly operands: readonly string[]
  /** What follows `--`, or undefined where there is no `--`. */
  readonly afterDashes: readonly string[] | undefined
  /** A flag that no table knows was seen, so that a value may have been taken for a flag. */
  readonly inDoubt: boolean
}

/**
 * Parses as pflag does with interspersed arguments (github.com/spf13/pflag, parseLongArg and
 * parseSingleShortArg): the last of repeated flags wins, `_` in names counts as `-` (kubectl's
 * WordSepNormalizeFunc), a switch takes a value only after `=`, `--` ends the flags.
 */
export function parseFlags(verb: string, args: readonly string[]): ParsedFlags {
  const values = new Map<string, string>()
  const operands: string[] = []
  let inDoubt = false
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] as string
    if (arg === '--') return { values, operands, afterDashes: args.slice(index + 1), inDoubt }
    if (arg.length < 2 || !arg.startsWith('-')) {
      operands.push(arg)
      continue
    }
    const read = arg.startsWith('--') ? readLong(verb, arg) : readLetters(verb, arg)
    for (const [name, value] of read.values) values.set(name, value)
    inDoubt ||= read.inDoubt
    if (read.wants !== undefined) {
      index += 1
      values.set(read.wants, args[index] ?? '')
    }
  }
  return { values, operands, afterDashes: undefined, inDoubt }
}

interface ReadFlag {
  readonly values: readonly (readonly [string, string])[]
  /** The flag whose value is the next argument. */
  readonly wants?: string
  readonly inDoubt: boolean
}

function readLong(verb: string, arg: string): ReadFlag {
  const equals = arg.indexOf('=')
  const name = arg.slice(2, equals < 0 ? undefined : equals).replaceAll('_', '-')
  const shape = shapeOf(verb, name)
  if (equals >= 0) return { values: [[name, arg.slice(equals + 1)]], inDoubt: shape === 'unknown' }
  if (shape === 'value') return { values: [], wants: name, inDoubt: false }
  return { values: [[name, 'true']], inDoubt: shape === 'unknown' }
}

function readLetters(verb: string, arg: string): ReadFlag {
  const values: [string, string][] = []
  let inDoubt = false
  for (let at = 1; at < arg.length; at += 1) {
    const letter = arg.charAt(at)
    const name = nameOfLetter(verb, letter)
    if (name === undefined) {
      inDoubt = true
      continue
    }
    const rest = arg.slice(at + 1)
    if (rest.length > 1 && rest.startsWith('='))
      return { values: [...values, [name, rest.slice(1)]], inDoubt }
    if (shapeOf(verb, name) === 'value') {
      return rest === '' ? { values, wants: name, inDoubt } : { values: [...values, [name, rest]], inDoubt }
    }
    values.push([name, 'true'])
  }
  return { values, inDoubt }
}

/** Go's strconv.ParseBool; what it refuses counts as set, since kubectl will refuse it itself. */
const falseWords = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False'])

/** @returns whether a switch is on; undefined where it was not given. */
export function switchOf(flags: ParsedFlags, name: string): boolean | undefined {
  const value = flags.values.get(name)
  return value === undefined ? undefined : !falseWords.has(value)
}
