import fc from 'fast-check'
import { commandFlags, globalFlags, nameOfLetter } from '../../../src/domain/kubectl-flags.ts'
import { knownVerbs } from '../../../src/domain/kubectl-verbs.ts'

/** What kubectl's own help says of a verb: its flags, as `--name` or `-x`, with what they want. */
export interface Flag {
  readonly name: string
  readonly letter: string | undefined
  readonly isSwitch: boolean
}

/** A word to be, once the flags of the verb are known. */
export type Draft = (flags: readonly Flag[]) => readonly string[]

const values = fc.constantFrom(
  'a',
  'b',
  'ua',
  'ub',
  'ca',
  'cb',
  'n1',
  'pods',
  'pod/x',
  'x',
  'svc',
  'json',
  'name',
  'true',
  'false',
  '1',
  '0',
  'T',
  '10s',
  '1s',
  'a=b',
  'k=v',
  '-',
  '',
  '--',
  '-w',
  '--watch',
  '-it',
  'get',
  'c',
  'logs',
  'exec',
  'OTHER',
  'MISSING',
  'ALT',
  '/api/v1/pods',
  '/api/v1/pods?watch=1',
  '/api/v1/pods?watch',
  '/api/v1/namespaces/x/pods/x/log?follow=true',
  '/version',
)

/** The flags that decide what a command is, and where it goes. */
const weighty = [
  'context',
  'user',
  'cluster',
  'server',
  'kubeconfig',
  'namespace',
  'token',
  'watch',
  'watch-only',
  'follow',
]
const more = [
  'raw',
  'stdin',
  'tty',
  'help',
  'client',
  'all-namespaces',
  'output',
  'edit',
  'attach',
  'dry-run',
  'wait',
]
const isSwitch = (name: string): boolean => commandFlags.switches.has(name) || globalFlags.switches.has(name)
const letters = [...'nsvALRcefhikloqptuw']
const letterOf = (name: string): string | undefined =>
  letters.find((letter) => nameOfLetter('', letter) === name)
const important: readonly Flag[] = [...weighty, ...more].map((name) => ({
  name,
  letter: letterOf(name),
  isSwitch: isSwitch(name),
}))

type Form = 'equals' | 'apart' | 'letter' | 'letters' | 'letter-equals' | 'underscores' | 'alone'

function write({ name, letter, isSwitch: plain }: Flag, form: Form, value: string): readonly string[] {
  const short = letter === undefined ? undefined : `-${letter}`
  switch (form) {
    case 'equals':
      return [`--${name}=${value}`]
    case 'underscores':
      return plain ? [`--${name.replaceAll('-', '_')}`] : [`--${name.replaceAll('-', '_')}`, value]
    case 'letter':
      return short === undefined
        ? write({ name, letter, isSwitch: plain }, 'apart', value)
        : plain
          ? [short]
          : [short, value]
    case 'letters':
      return short === undefined ? [`--${name}`, value] : [`${short}${value}`]
    case 'letter-equals':
      return short === undefined ? [`--${name}=${value}`] : [`${short}=${value}`]
    case 'apart':
      return plain ? [`--${name}`] : [`--${name}`, value]
    case 'alone':
      return [short ?? `--${name}`]
  }
}

const form = fc.constantFrom<Form>(
  'equals',
  'apart',
  'apart',
  'letter',
  'letters',
  'letter-equals',
  'underscores',
  'alone',
)

const draft: fc.Arbitrary<Draft> = fc.oneof(
  fc.tuple(fc.constantFrom(...important), form, values).map(
    ([flag, how, value]): Draft =>
      () =>
        write(flag, how, value),
  ),
  fc.tuple(fc.nat(), form, values).map(([at, how, value]): Draft => (flags) => {
    const flag = flags[at % Math.max(flags.length, 1)]
    return flag === undefined ? [] : write(flag, how, value)
  }),
  values.map((value): Draft => () => [value]),
  fc.constantFrom(['pods'], ['pod', 'x'], ['pod/x'], ['x'], ['x', '--', 'true']).map(
    (words): Draft =>
      () =>
        words,
  ),
)

interface Aim {
  readonly verb: string
  /** What it is about, so that kubectl gets as far as a server. */
  readonly operands: readonly string[]
}

const aim = (text: string): Aim => {
  const [verb = '', ...operands] = text.split(' ')
  return { verb, operands }
}
const aims = fc.constantFrom(
  ...[
    'get pods',
    'get pod x',
    'get pods',
    'get pod/x',
    'logs x',
    'logs pod/x',
    'exec x -- true',
    'delete pod x',
  ].map(aim),
  ...[
    'describe pod x',
    'version',
    'cluster-info',
    'run x --image=i',
    'label pod x k=v',
    'wait pod x --for=delete',
  ].map(aim),
  ...[
    'port-forward x 1:2',
    'attach x',
    'cp x:/a b',
    'events',
    'annotate pod x k=v',
    'create configmap x',
    'get',
  ].map(aim),
)
const anything = fc.record({
  verb: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...knownVerbs) }, values),
  operands: fc.constantFrom<readonly string[]>(['pods'], ['pod', 'x'], ['x'], ['x', '--', 'true'], []),
})

export interface Line {
  readonly aim: Aim
  /** How many of the drafts come before the verb, or between its words. */
  readonly before: number
  readonly drafts: readonly Draft[]
}

export const line: fc.Arbitrary<Line> = fc.record({
  aim: fc.oneof({ weight: 3, arbitrary: aims }, anything),
  before: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 2 })),
  drafts: fc.array(draft, { maxLength: 3 }),
})

/** The words of a line. Those of the verb may have flags between them. */
export function wordsOf({ aim: { verb, operands }, before, drafts }: Line, flags: readonly Flag[]): string[] {
  const [first = '', ...rest] = verb.split(' ')
  const written = drafts.map((one) => one(flags))
  const early = written.slice(0, before).flat()
  const late = written.slice(before).flat()
  // Behind `--` nothing is a flag.
  const end = operands.includes('--') ? [...late, ...operands] : [...operands, ...late]
  return before === 2 ? [first, ...early, ...rest, ...end] : [...early, first, ...rest, ...end]
}
