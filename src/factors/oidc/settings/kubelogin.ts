/** What int128/kubelogin is told by its arguments (kubelogin, docs/usage.md). */
export interface KubeloginArguments {
  readonly issuer: string
  readonly clientId: string | undefined
}

/** @returns undefined for another program, Azure’s of the same name too: that one has no `--oidc-issuer-url` */
export function readKubelogin(command: string, args: readonly string[]): KubeloginArguments | undefined {
  const program = command.slice(command.lastIndexOf('/') + 1)
  const own = program === 'kubectl' && args[0] === 'oidc-login' ? args.slice(1) : args
  const isKubelogin = own !== args || program === 'kubelogin' || program === 'kubectl-oidc_login'
  if (!isKubelogin || own[0] !== 'get-token') return undefined
  const issuer = valueOf(own, '--oidc-issuer-url')
  if (issuer === undefined) return undefined
  return { issuer, clientId: valueOf(own, '--oidc-client-id') }
}

/** `--flag value` or `--flag=value`; of several the last one, as its parser (pflag) has it. */
function valueOf(args: readonly string[], flag: string): string | undefined {
  const at = args.findLastIndex((arg) => arg === flag || arg.startsWith(`${flag}=`))
  const found = args[at]
  return found === flag ? args[at + 1] : found?.slice(flag.length + 1)
}
