import { classify } from './command.ts'

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

const kubectlVerbs = words(
  `apply create replace patch delete scale label annotate autoscale expose taint drain cordon uncordon`,
)
const kubectlPairs = /^(set \S+|rollout (restart|undo|pause|resume)|apply set-last-applied)$/

/** Programs whose first word says whether they change something, and the flags before it that take a value. */
const others: ReadonlyMap<
  string,
  { readonly verbs: ReadonlySet<string>; readonly valueFlags: ReadonlySet<string> }
> = new Map([
  [
    'helm',
    {
      verbs: words('install upgrade uninstall rollback'),
      // `helm --help` of Helm 3 and 4, "Global Flags".
      valueFlags: words(
        `-n --namespace --kube-context --kubeconfig --kube-token --kube-apiserver --kube-as-user --kube-as-group
           --kube-ca-file --kube-tls-server-name --registry-config --repository-cache --repository-config
           --burst-limit --qps --content-cache --color --colour`,
      ),
    },
  ],
  ['terraform', { verbs: words('apply destroy import'), valueFlags: words('-') }],
  ['tofu', { verbs: words('apply destroy import'), valueFlags: words('-') }],
  [
    'pulumi',
    { verbs: words('up destroy refresh import'), valueFlags: words('-C --cwd -v --verbose --color') },
  ],
])

/**
 * Is this a client that changes something in the cluster and comes to an end by itself, so that cutting it
 * short does harm? By its executable's name and its arguments; in doubt it is none.
 *
 * @param args without argv[0]
 */
export function isWriter(program: string, args: readonly string[]): boolean {
  if (program === 'kubectl') return isKubectlWriter(args)
  const rule = others.get(program)
  const verb = rule === undefined ? undefined : firstWord(args, rule.valueFlags)
  return verb !== undefined && rule?.verbs.has(verb) === true
}

/** `helm upgrade`, `terraform apply`; of a program that is not known the name alone, its arguments may be anything. */
export function describeProgram(program: string, args: readonly string[]): string {
  if (program === 'kubectl') return `kubectl ${classify(['kubectl', ...args]).verb ?? ''}`.trim()
  const rule = others.get(program)
  const verb = rule === undefined ? undefined : firstWord(args, rule.valueFlags)
  return verb !== undefined && /^[a-z-]{1,20}$/.test(verb) ? `${program} ${verb}` : program
}

function isKubectlWriter(args: readonly string[]): boolean {
  const { verb = '', verbClass, completion } = classify(['kubectl', ...args])
  if (completion || verbClass === 'local' || verbClass === 'interactive') return false
  const [first = ''] = verb.split(' ')
  return kubectlPairs.test(verb) || kubectlVerbs.has(verb) || (first === 'create' && verb !== first)
}

function firstWord(args: readonly string[], valueFlags: ReadonlySet<string>): string | undefined {
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] as string
    if (!arg.startsWith('-')) return arg
    if (valueFlags.has(arg)) index += 1
  }
  return undefined
}
