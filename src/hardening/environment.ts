/** What our processes take over from whoever starts them; everything else stays outside. */
const allowedNames = new Set([
  'HOME',
  'USER',
  'LOGNAME',
  'PATH',
  'LANG',
  'TZ',
  'XDG_RUNTIME_DIR',
  'KUBEGUARD_HOME',
  'KUBEGUARD_SYSLOG',
])

/**
 * The environment for a process that may hold secrets: no NODE_*, no LD_*, nothing that is not known to
 * be harmless.
 */
export function allowListedEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  const allowed: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && (allowedNames.has(name) || name.startsWith('LC_'))) allowed[name] = value
  }
  return allowed
}

/** @returns the variables that could put foreign code, a debugger or a report into this process. */
export function dangerousVariables(environment: NodeJS.ProcessEnv): string[] {
  return Object.keys(environment).filter((name) => /^(NODE_|LD_|OPENSSL_|SSL_)/.test(name))
}
