import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings'

/** What a word may be: its text, and what it means. */
export interface Candidate {
  readonly word: string
  readonly about: string
}

/** Looks up the words that only the daemon or a kubeconfig knows, by the name of the argument: `policy`, `context`, … */
export type LookUp = (argument: string) => Promise<readonly Candidate[]>

/**
 * Completes a command line from the commands themselves, so that it never lags behind them.
 *
 * @param words what is typed after `kubeguard`, the last one up to the cursor; empty where a new one begins
 */
export async function complete(
  program: CommandUnknownOpts,
  words: readonly string[],
  lookUp: LookUp,
): Promise<Candidate[]> {
  const typed = words.at(-1) ?? ''
  const candidates = await candidatesFor(follow(program, words.slice(0, -1)), typed, lookUp)
  const seen = new Set<string>()
  return candidates.filter(({ word }) => {
    if (!word.startsWith(typed) || seen.has(word)) return false
    seen.add(word)
    return true
  })
}

interface Place {
  readonly command: CommandUnknownOpts
  /** How many arguments of the command are there already. */
  readonly given: number
  /** The option whose value comes next. */
  readonly awaits: Option | undefined
}

function follow(program: CommandUnknownOpts, words: readonly string[]): Place {
  let place: Place = { command: program, given: 0, awaits: undefined }
  for (const word of words) place = step(place, word)
  return place
}

function step({ command, given, awaits }: Place, word: string): Place {
  if (awaits !== undefined) return { command, given, awaits: undefined }
  if (word.startsWith('-')) {
    const option = command.options.find(({ long, short }) => long === word || short === word)
    return { command, given, awaits: option?.required === true ? option : undefined }
  }
  const inner = given === 0 ? command.commands.find((each) => each.name() === word) : undefined
  return inner === undefined
    ? { command, given: given + 1, awaits: undefined }
    : { command: inner, given: 0, awaits: undefined }
}

async function candidatesFor(
  { command, given, awaits }: Place,
  typed: string,
  lookUp: LookUp,
): Promise<Candidate[]> {
  if (awaits !== undefined) return valuesOf(awaits.argChoices, awaits.attributeName(), lookUp)
  if (typed.startsWith('-')) return optionsOf(command)
  const inner = given === 0 ? command.commands.map(commandCandidate) : []
  const known = command.registeredArguments
  const argument = known[given] ?? (known.at(-1)?.variadic === true ? known.at(-1) : undefined)
  if (argument === undefined) return inner
  return [...inner, ...(await valuesOf(argument.argChoices, argument.name(), lookUp))]
}

const commandCandidate = (command: CommandUnknownOpts): Candidate => ({
  word: command.name(),
  about: command.description(),
})

async function valuesOf(
  choices: readonly string[] | undefined,
  name: string,
  lookUp: LookUp,
): Promise<Candidate[]> {
  if (choices !== undefined) return choices.map((word) => ({ word, about: '' }))
  return [...(await lookUp(name.replace(/s$/, '')))]
}

function optionsOf(command: CommandUnknownOpts): Candidate[] {
  const own = command.options
    .filter(({ hidden, long }) => !hidden && long !== undefined)
    .map(({ long, description }) => ({ word: long ?? '', about: description }))
  return [...own, { word: '--help', about: 'display help for command' }]
}
