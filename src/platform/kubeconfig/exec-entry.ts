import { basename } from 'node:path'

/** The program that `users[].user.exec.command` names, whatever folder it lies in. */
const pluginName = 'kubeguard-credential'

export interface ExecEntry {
  readonly apiVersion: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly interactiveMode: string
  readonly provideClusterInfo: boolean
}

export interface Plugin {
  /** Absolute: kubectl's credentialPluginPolicy allows programs by their full path. */
  readonly command: string
  readonly env: Readonly<Record<string, string>>
}

/**
 * What stands in kubeconfig instead of the secrets. `IfAvailable`: `Always` fails where stdin is taken
 * (`kubectl apply -f -`); the plugin prompts on /dev/tty anyway.
 *
 * @param provideClusterInfo a wrapped plugin wants it
 */
export function execEntry(
  plugin: Plugin,
  policy: string,
  credential: string,
  provideClusterInfo = false,
): ExecEntry {
  const env = Object.entries(plugin.env).map(([name, value]) => ({ name, value }))
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: plugin.command,
    args: ['--policy', policy, '--credential', credential],
    ...(env.length > 0 && { env }),
    interactiveMode: 'IfAvailable',
    provideClusterInfo,
  }
}

/** Whatever its arguments are. */
export const isOurProgram = (command: string): boolean => basename(command) === pluginName

/** @returns which credential an exec entry names, or undefined when it is another program's. */
export function namedCredential(exec: unknown): { policy: string; credential: string } | undefined {
  if (typeof exec !== 'object' || exec === null) return undefined
  const { command, args } = exec as Record<string, unknown>
  if (typeof command !== 'string' || !isOurProgram(command) || !Array.isArray(args)) return undefined
  const policy = argumentAfter(args, '--policy')
  const credential = argumentAfter(args, '--credential')
  return policy === undefined || credential === undefined ? undefined : { policy, credential }
}

function argumentAfter(args: readonly unknown[], flag: string): string | undefined {
  const value = args[args.indexOf(flag) + 1]
  return args.includes(flag) && typeof value === 'string' ? value : undefined
}
