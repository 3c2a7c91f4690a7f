import { parseFlags, switchOf } from './flag-parser.ts'
import type { ParsedFlags } from './flag-parser.ts'
import { globalFlags, shapeOf } from './kubectl-flags.ts'
import { hasChildren, ruleOf } from './kubectl-verbs.ts'

/**
 * What a kubectl command line does, as far as a time limit cares:
 * - `local`: needs no server; - `unary`: asks and ends; - `live`: streams until ended;
 * - `interactive`: streams a terminal; - `plugin`: an unknown verb, run by kubectl from PATH.
 */
export type VerbClass = 'local' | 'unary' | 'live' | 'interactive' | 'plugin'

export interface Command {
  /** Full name without flags, such as `get` or `rollout status`. */
  readonly verb: string | undefined
  /** `unasked`: of another tool, most likely needs no server: not asked about, but watched over like `live`. */
  readonly verbClass: VerbClass | 'unasked'
  /** `__complete` and `__completeNoDesc`: run on every TAB, must never ask. */
  readonly completion: boolean
  /** The flags that change which credential is really used; undefined where not given. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly user: string | undefined
  readonly cluster: string | undefined
  readonly server: string | undefined
  readonly token: boolean
  readonly namespace: string | undefined
  /** What it is about, for a list of what runs: names before `--`, none where a value could be taken for one. */
  readonly subject: readonly string[]
}

/** Enough for `port-forward pod/web-0 :8080`. */
const mostSubjects = 2

/**
 * Classifies argv, the program name first, as cobra and kubectl would read it. In doubt it says
 * `live` or `plugin`, which are watched over, rather than `unary` or `local`.
 */
export function classify(argv: readonly string[]): Command & { readonly verbClass: VerbClass } {
  const args = argv.slice(1)
  const found = findVerb(args)
  if (found.verb === '__complete' || found.verb === '__completeNoDesc') return classifyCompletion(found.rest)
  const flags = parseFlags(found.verb ?? '', found.rest)
  const verbClass = classOf(found, flags)
  const known = verbClass !== 'plugin' && !found.inDoubt && !flags.inDoubt
  const subject = known ? flags.operands.slice(0, mostSubjects) : []
  return { ...describe(found.verb, flags), subject, verbClass, completion: false }
}

/** `__complete` asks the server for names; verbs, flag names and kubeconfig's own names need none. */
function classifyCompletion(words: readonly string[]): ReturnType<typeof classify> {
  const line = words.slice(0, -1)
  const last = words.at(-1) ?? ''
  const found = findVerb(line)
  const flags = parseFlags(found.verb ?? '', line)
  const inner = classify(['kubectl', ...line])
  const namesOnly =
    (found.verb === undefined && line.length === 0) || (last.startsWith('-') && !last.includes('='))
  const local = namesOnly || (found.verb !== undefined && inner.verbClass === 'local')
  const verbClass = local ? 'local' : 'unary'
  return { ...describe(found.verb, flags), subject: [], verbClass, completion: true }
}

function describe(
  verb: string | undefined,
  { values }: ParsedFlags,
): Omit<Command, 'verbClass' | 'completion' | 'subject'> {
  return {
    verb,
    kubeconfig: values.get('kubeconfig'),
    context: values.get('context'),
    user: values.get('user'),
    cluster: values.get('cluster'),
    server: values.get('server'),
    token: (values.get('token') ?? '') !== '',
    namespace: values.get('namespace'),
  }
}

function classOf(found: FoundVerb, flags: ParsedFlags): VerbClass {
  const rule = found.verb === undefined ? 'local' : ruleOf(found.verb)
  // kubectl hands a plugin all flags, --help included.
  if (rule === undefined) return 'plugin'
  const inDoubt = found.inDoubt || flags.inDoubt
  if (switchOf(flags, 'help') && !inDoubt) return 'local'
  const verbClass = applyRule(rule, flags)
  return inDoubt && verbClass === 'local' ? 'plugin' : verbClass
}

function applyRule(rule: NonNullable<ReturnType<typeof ruleOf>>, flags: ParsedFlags): VerbClass {
  if (typeof rule === 'function') return rule(flags)
  if (rule === 'group') return flags.operands.length === 0 ? 'local' : 'plugin'
  return rule
}

interface FoundVerb {
  readonly verb: string | undefined
  /** All arguments but the words of the verb. */
  readonly rest: readonly string[]
  readonly inDoubt: boolean
}

/**
 * Finds the command as cobra's Command.Find does: the first words that are neither flags nor the
 * value of one. Before the verb cobra knows only the global flags, and takes the word after any
 * other flag for that flag's value.
 */
function findVerb(args: readonly string[]): FoundVerb {
  let verb: string | undefined
  let rest = args
  let inDoubt = false
  for (;;) {
    const found = firstWord(rest)
    inDoubt ||= found.inDoubt
    if (found.index === undefined) return { verb, rest, inDoubt }
    const word = rest[found.index] as string
    const next: string = verb === undefined ? word : `${verb} ${word}`
    if (verb !== undefined && ruleOf(next) === undefined && !hasChildren(next)) {
      // `kubectl create NAME` runs the plugin kubectl-create-NAME where create has no such command.
      return { verb: verb === 'create' || verb === 'alpha' ? next : verb, rest, inDoubt }
    }
    verb = next
    rest = rest.toSpliced(found.index, 1)
    if (!hasChildren(verb) || verb.startsWith('__complete')) return { verb, rest, inDoubt }
  }
}

function firstWord(args: readonly string[]): { index: number | undefined; inDoubt: boolean } {
  let inDoubt = false
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] as string
    if (arg === '--') break
    if (arg === '' || arg === '-') continue
    if (!arg.startsWith('-')) return { index, inDoubt }
    if (!arg.includes('=') && takesNextWord(arg)) index += 1
    inDoubt ||= arg.startsWith('--') && shapeOf('', longName(arg)) === 'unknown'
  }
  return { index: undefined, inDoubt }
}

function takesNextWord(arg: string): boolean {
  if (arg.startsWith('--')) return !globalFlags.switches.has(longName(arg))
  return arg.length === 2
}

function longName(arg: string): string {
  return (arg.slice(2).split('=')[0] as string).replaceAll('_', '-')
}
