import { tokenCaches } from './token-caches.ts'

/** Exec plugins of others, which kubeguard runs behind its own: whom they speak for, and what outlives a lock. */

/** An exec entry of a kubeconfig that is not ours, as client-go reads it (tools/clientcmd/api/v1, ExecConfig). */
export interface WrappedExec {
  readonly apiVersion: 'v1' | 'v1beta1'
  /** A name to be found on PATH, or an absolute path. */
  readonly command: string
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly interactiveMode: 'Never' | 'IfAvailable' | 'Always'
  readonly provideClusterInfo: boolean
  readonly installHint?: string | undefined
}

interface Source {
  /** Below the home. */
  readonly path: string
  /** A variable that names another place. */
  readonly variable?: string
  /** Changes when a person logs in as somebody else, and not whenever the plugin runs. */
  readonly tellsWho?: true
}

export interface ExecPlugin {
  /** As people call it. */
  readonly name: string
  /** Variables that decide for whom it speaks; `AWS_*` is all that begin so. Undefined: any may. */
  readonly variables: readonly string[] | undefined
  /** Where it has credentials of its own. */
  readonly sources: readonly Source[]
  /** The longest that it may run, in ms: enough for a person at a browser where it sends one there. */
  readonly limitMs: number
  /** How to log in again. */
  readonly login?: string
}

/** No person types or clicks for longer; kubelogin itself gives up after 180 s. */
const withPersonMs = 190_000
const aloneMs = 60_000

const plugins = {
  'aws': {
    variables: ['AWS_*'],
    sources: [
      { path: '.aws/credentials', variable: 'AWS_SHARED_CREDENTIALS_FILE', tellsWho: true },
      { path: '.aws/config', variable: 'AWS_CONFIG_FILE', tellsWho: true },
      { path: tokenCaches['aws-sso'], tellsWho: true },
      { path: tokenCaches['aws-cli'] },
    ],
    limitMs: aloneMs,
    login: 'aws sso login',
  },
  'gke-gcloud-auth-plugin': {
    variables: ['CLOUDSDK_*', 'GOOGLE_*', 'GCE_*'],
    sources: [
      { path: '.config/gcloud/credentials.db', tellsWho: true },
      { path: '.config/gcloud/application_default_credentials.json', tellsWho: true },
      { path: '.config/gcloud/active_config', tellsWho: true },
      { path: '.config/gcloud/configurations', tellsWho: true },
      { path: tokenCaches['gke-gcloud-auth-plugin'] },
    ],
    limitMs: aloneMs,
    login: 'gcloud auth login',
  },
  'kubelogin': {
    variables: ['KUBECACHEDIR'],
    sources: [{ path: tokenCaches['kubelogin'] }],
    limitMs: withPersonMs,
  },
  'azure-kubelogin': {
    variables: ['AAD_*', 'AZURE_*', 'ARM_*', 'IDENTITY_*', 'MSI_*'],
    sources: [
      { path: '.azure', variable: 'AZURE_CONFIG_DIR' },
      { path: '.azure/azureProfile.json', tellsWho: true },
      { path: tokenCaches['azure-kubelogin'] },
    ],
    limitMs: withPersonMs,
    login: 'az login',
  },
  'tsh': {
    variables: ['TELEPORT_*', 'TSH_*'],
    sources: [{ path: '.tsh', variable: 'TELEPORT_HOME', tellsWho: true }],
    limitMs: withPersonMs,
    login: 'tsh login',
  },
} as const satisfies Record<string, Omit<ExecPlugin, 'name'>>

type KnownName = keyof typeof plugins

/** By the base name of the program, and where that is not enough by its arguments. */
function knownName({ command, args }: Pick<WrappedExec, 'command' | 'args'>): KnownName | undefined {
  const program = programOf(command)
  const has = (flag: string): boolean => args.some((arg) => arg === flag || arg.startsWith(`${flag}=`))
  if (program === 'aws' || program === 'aws-iam-authenticator') return 'aws'
  if (program === 'gke-gcloud-auth-plugin' || program === 'gcloud') return 'gke-gcloud-auth-plugin'
  if (program === 'tsh') return 'tsh'
  if (program === 'kubectl-oidc_login' || (program === 'kubectl' && args[0] === 'oidc-login'))
    return 'kubelogin'
  // Two programs have this name: int128/kubelogin and Azure/kubelogin.
  if (program !== 'kubelogin') return undefined
  return has('--oidc-issuer-url') ? 'kubelogin' : has('--server-id') ? 'azure-kubelogin' : undefined
}

/** What is known of a plugin; of one that is not known, that anything may matter to it. */
export function describePlugin(exec: Pick<WrappedExec, 'command' | 'args'>): ExecPlugin {
  return pluginNamed(knownName(exec) ?? programOf(exec.command))
}

/** @param name as `describePlugin` gave it */
export function pluginNamed(name: string): ExecPlugin {
  if (Object.hasOwn(plugins, name)) return { name, ...plugins[name as KnownName] }
  return { name, variables: undefined, sources: [], limitMs: withPersonMs }
}

/** Where its credentials outlive a lock, for a person: `~/.aws/credentials`. */
export function sourcesOf({ name, sources }: ExecPlugin): string[] {
  return sources.length === 0 ? [`whatever ${name} keeps`] : sources.map(({ path }) => `~/${path}`)
}

const programOf = (command: string): string => command.slice(command.lastIndexOf('/') + 1)

/** Terminals, shells and what they remember: nobody is somebody else for them. */
const indifferent = `
  _ OLDPWD PWD SHLVL SHELL TERM TERM_* COLORTERM COLUMNS LINES WINDOWID SSH_TTY SSH_CLIENT SSH_CONNECTION TMUX
  TMUX_* STY WINDOW VTE_* KITTY_* ITERM_* ALACRITTY_* WEZTERM_* KONSOLE_* GNOME_TERMINAL_* WT_* GHOSTTY_* LS_COLORS
  LSCOLORS CLICOLOR NO_COLOR FORCE_COLOR LESS LESSOPEN LESSCLOSE PAGER EDITOR VISUAL PS1 PS2 PS4 PROMPT
  PROMPT_COMMAND HIST* STARSHIP_* P9K_* POWERLEVEL9K_* FZF_* ZSH* BASH_* FISH_* XDG_SESSION_ID XDG_SEAT XDG_VTNR
  INVOCATION_ID JOURNAL_STREAM KUBEGUARD_* KUBERNETES_EXEC_INFO`
  .trim()
  .split(/\s+/)

/** May this variable decide for whom the plugin speaks? HOME always may. */
export function matters({ variables }: ExecPlugin, name: string): boolean {
  if (variables === undefined) return !isAmong(indifferent, name)
  return name === 'HOME' || name === 'XDG_CONFIG_HOME' || isAmong(variables, name)
}

const isAmong = (patterns: readonly string[], name: string): boolean =>
  patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  )
