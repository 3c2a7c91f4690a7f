import type { Command } from './command.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** How tools that are built on client-go call the flags that name a context, and a kubeconfig. */
const contextFlags = words('context kube-context kubecontext')
const kubeconfigFlags = words('kubeconfig kube-config')

/** What programs of all kinds answer by themselves. Yet `stern version` tails the pods of that name. */
const answeredWords = words('version completion help')
const helpFlags = words('--help -h')

/** Commands of Helm 3 and 4 that meet no cluster; where one does (`template --validate`), the plugin is asked. */
const helmWithoutCluster = words(`
  completion create dependency dep dependencies env help inspect lint package plugin pull fetch push registry repo
  search show template verify version`)

/** What the completion of urfave/cli, v2 and v3, puts last. Cobra's puts `__complete` or `__completeNoDesc` first. */
const completionFlags = words('--generate-bash-completion --generate-shell-completion')

/**
 * What the command line of any client but kubectl does, without knowing its flags. It counts as one that streams, for
 * it may; so it is asked about, and watched over. What surely or most likely meets no cluster is not asked about.
 *
 * @param tool its name
 * @param args without argv[0]
 */
export function classifyTool(tool: string, args: readonly string[]): Command {
  const completion = isCompletion(args)
  return {
    verb: undefined,
    verbClass: completion ? completionClass(args) : classOf(tool, args),
    completion,
    kubeconfig: flagValue(args, kubeconfigFlags),
    context: flagValue(args, contextFlags),
    user: undefined,
    cluster: undefined,
    server: undefined,
    token: false,
    namespace: undefined,
    subject: [],
  }
}

function classOf(tool: string, args: readonly string[]): Command['verbClass'] {
  const [first] = args
  if (tool === 'helm' && (first === undefined || helmWithoutCluster.has(first))) return 'local'
  return mayAnswerByItself(args) ? 'unasked' : 'live'
}

/** More words before `--help` than any command has. */
const mostWords = 3

/** `NAME version`, `NAME --version`, `NAME create source --help`: the last word prints and ends, whoever reads it. */
function mayAnswerByItself(args: readonly string[]): boolean {
  const [first = ''] = args
  if (answeredWords.has(first) || (args.length === 1 && first === '--version')) return true
  const before = args.slice(0, -1)
  return helpFlags.has(args.at(-1) ?? '') && before.length <= mostWords && before.every(isPlainWord)
}

const isPlainWord = (word: string): boolean => /^[a-z][a-z0-9-]*$/.test(word)

function isCompletion(args: readonly string[]): boolean {
  return args[0]?.startsWith('__complete') === true || completionFlags.has(args.at(-1) ?? '')
}

/** Names of commands and flags are the tool's own. */
function completionClass(args: readonly string[]): Command['verbClass'] {
  if (args[0]?.startsWith('__complete') !== true) return 'unary'
  const last = args.at(-1) ?? ''
  return args.length <= 2 || (last.startsWith('-') && !last.includes('=')) ? 'local' : 'unary'
}

/**
 * The value of one of some flags, as pflag and Go's flag package take it: `--name value`, `--name=value`, with one dash
 * or two, before `--`; the last one wins. An empty one counts as not given.
 */
function flagValue(args: readonly string[], names: ReadonlySet<string>): string | undefined {
  let value = ''
  for (let index = 0; index < args.length && args[index] !== '--'; index += 1) {
    const [, name = '', , given] = /^--?([a-z][a-z-]*)(=([^]*))?$/.exec(args[index] as string) ?? []
    if (!names.has(name)) continue
    if (given === undefined) index += 1
    value = given ?? args[index] ?? ''
  }
  return value === '' ? undefined : value
}
