/**
 * The flags of kubectl 1.27 to 1.36, as far as parsing needs them: which ones take the next argument
 * as their value. Collected from `kubectl COMMAND --help` of every command in 1.27 … 1.33 and 1.35;
 * a test compares the tables with the installed kubectl.
 */
export interface FlagTable {
  readonly values: ReadonlySet<string>
  readonly switches: ReadonlySet<string>
  /** One letter to the long name; what the long name is says whether it takes a value. */
  readonly letters: Readonly<Record<string, string>>
}

const words = (text: string): Set<string> => new Set(text.trim().split(/\s+/))

/** `kubectl options`: valid for every command, and the only ones that cobra knows before the verb. */
export const globalFlags: FlagTable = {
  values: words(`
    as as-group as-uid as-user-extra cache-dir certificate-authority client-certificate client-key cluster
    context kubeconfig kuberc log-flush-frequency namespace password profile profile-output request-timeout
    server tls-server-name token user username v vmodule`),
  switches: words('disable-compression insecure-skip-tls-verify match-server-version warnings-as-errors'),
  letters: { n: 'namespace', s: 'server', v: 'v' },
}

/** Flags of the commands themselves. Where two commands disagree about one, see `exceptions`. */
export const commandFlags: FlagTable = {
  values: words(`
    accept-hosts accept-paths address aggregation-rule annotation annotations api-group api-prefix api-version
    appendarg audience auth-provider auth-provider-arg bound-object-kind bound-object-name bound-object-uid
    categories cert chunk-size class cluster-ip clusterip clusterrole concurrency container copy-to cpu
    cpu-percent current-replicas custom default-backend description docker-email docker-password docker-server
    docker-username duration env exec-api-version exec-arg exec-command exec-env exec-interactive-mode
    external-ip external-name field-manager field-selector filename for from from-env-file from-file
    from-literal  grace-period group hard helm-api-versions helm-command helm-kube-version 
    image image-pull-policy keepalive key keys kustomize label-columns labels limit-bytes limits
    load-balancer-ip load-restrictor max max-log-requests max-unavailable memory min min-available mount name
    namespaces network-name node-port non-resource-url option output output-directory override-type overrides
    patch patch-file pod-running-timeout pod-selector port preemption-policy prependarg protocol proxy-url
    prune-allowlist prune-whitelist raw reject-methods reject-paths replicas requests resource resource-name
    resource-version restart retries revision role rule schedule scopes section selector serviceaccount
    session-affinity set-image since since-time skip-wait-for-delete-timeout sort-by subresource tail target
    target-port tcp template timeout to-revision type types unix-socket value verb verbs www www-prefix`),
  switches: words(`
    all all-containers all-namespaces all-pods allow-missing-template-keys append-hash append-server-path
    arguments-only as-current-user attach cached cascade client command containers create-annotation current
    delete-emptydir-data delete-local-data disable-eviction disable-filter dry-run edit embed-certs
    enable-alpha-plugins enable-helm exec-provide-cluster-info expose flatten follow force force-conflicts
    global-default helm-debug help ignore-daemonsets ignore-errors ignore-not-found
    insecure-skip-tls-verify-backend interactive keep-annotations keep-init-containers keep-labels
    keep-liveness keep-readiness keep-startup leave-stdin-open list local merge minify name-only namespaced
    network no-headers no-preserve now openapi-patch output-patch output-watch-events overwrite prefix previous
    privileged prune quiet record recursive remove-extra-permissions remove-extra-subjects replace resolve rm
    same-node save-config server-print server-side set-raw-bytes share-processes short show-capacity
    show-events show-kind show-labels show-managed-fields show-swap stdin sum timestamps tty
    use-protocol-buffers validate wait watch watch-only windows-line-endings`),
  letters: {
    A: 'all-namespaces',
    L: 'label-columns',
    P: 'www-prefix',
    R: 'recursive',
    c: 'container',
    e: 'env',
    f: 'filename',
    h: 'help',
    i: 'stdin',
    k: 'kustomize',
    l: 'selector',
    o: 'output',
    p: 'patch',
    q: 'quiet',
    r: 'replicas',
    t: 'tty',
    u: 'unix-socket',
    w: 'watch',
  },
}

/** Where a command gives a letter another name, or a name another shape. */
const exceptions: Readonly<Record<string, Partial<FlagTable>>> = {
  'logs': { letters: { f: 'follow', p: 'previous' } },
  'proxy': { letters: { p: 'port', w: 'www' } },
  'delete': { letters: { i: 'interactive' } },
  'run': { letters: { l: 'labels' } },
  'expose': { letters: { l: 'labels' } },
  'config view': { switches: new Set(['raw']) },
  'top pod': { switches: new Set(['containers']) },
  'set env': { values: new Set(['containers', 'prefix']), letters: { c: 'containers' } },
  'set resources': { values: new Set(['containers']), letters: { c: 'containers' } },
  'alpha kuberc set': { values: new Set(['command']) },
  'kuberc set': { values: new Set(['command']) },
}

const none: FlagTable = { values: new Set(), switches: new Set(), letters: {} }

/** What a flag is to one command. `unknown` flags may or may not take the next argument. */
export type FlagShape = 'value' | 'switch' | 'unknown'

/** @returns the shape of a long flag (without dashes) for the command with this full name. */
export function shapeOf(verb: string, name: string): FlagShape {
  const special = exceptions[verb]
  if (special?.values?.has(name)) return 'value'
  if (special?.switches?.has(name)) return 'switch'
  if (commandFlags.values.has(name) || globalFlags.values.has(name)) return 'value'
  return commandFlags.switches.has(name) || globalFlags.switches.has(name) ? 'switch' : 'unknown'
}

/** @returns the long name behind a letter for the command with this full name, or undefined. */
export function nameOfLetter(verb: string, letter: string): string | undefined {
  const special = exceptions[verb] ?? none
  return special.letters?.[letter] ?? globalFlags.letters[letter] ?? commandFlags.letters[letter]
}
