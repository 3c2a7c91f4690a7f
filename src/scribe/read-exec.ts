import * as v from 'valibot'
import type { WrappedExec } from '../domain/exec-plugins.ts'
import { isOurProgram } from '../platform/kubeconfig/exec-entry.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { Kubeconfig, UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { kubercForbids } from './kuberc-forbids.ts'
import { referencedPath } from './read-secrets.ts'

type ExecFound = { readonly exec: WrappedExec } | { readonly problem: string }

const group = 'client.authentication.k8s.io/'

/** What is missing is as good as empty, and fields of a later version are not ours to refuse: as client-go reads it. */
const schema = v.object({
  apiVersion: v.picklist([`${group}v1`, `${group}v1beta1`]),
  command: v.pipe(v.string(), v.minLength(1)),
  args: v.nullish(v.array(v.string()), []),
  env: v.nullish(v.array(v.object({ name: v.string(), value: v.nullish(v.string(), '') })), []),
  interactiveMode: v.nullish(v.picklist(['', 'Never', 'IfAvailable', 'Always']), ''),
  provideClusterInfo: v.nullish(v.boolean(), false),
  installHint: v.nullish(v.string()),
})

/** Names of fields; what stands in them may be a secret. */
const problems: Readonly<Record<string, string>> = {
  apiVersion: 'its apiVersion is none that kubectl takes: v1 or v1beta1 of client.authentication.k8s.io',
  command: 'it names no command',
  interactiveMode: 'its interactiveMode is not Never, IfAvailable or Always',
}

/**
 * The exec entry of a user, as it is to be run. v1 demands an interactiveMode, v1beta1 takes IfAvailable where there
 * is none (client-go, tools/clientcmd/validation.go); a command with a slash is relative to the kubeconfig.
 *
 * @returns a problem for one that kubectl refuses, too: such a user is left as it is
 */
export function readExec(config: Kubeconfig, user: UserEntry): ExecFound {
  const parsed = v.safeParse(schema, fieldValue(config, user, 'exec'))
  if (!parsed.success) {
    const field = String(parsed.issues[0].path?.[0]?.key ?? '')
    return {
      problem: `kubectl can’t run its exec plugin: ${problems[field] ?? `its ${field || 'entry'} is damaged`}`,
    }
  }
  const { apiVersion, command, args, env, interactiveMode, provideClusterInfo, installHint } = parsed.output
  if (isOurProgram(command)) return { problem: 'its exec entry is kubeguard’s own, but damaged' }
  if (apiVersion === `${group}v1` && interactiveMode === '')
    return { problem: 'kubectl can’t run its exec plugin: it has no interactiveMode' }
  const path = command.includes('/') ? referencedPath(config.path, command) : command
  if (kubercForbids([command, path]))
    return {
      problem: 'kuberc forbids kubectl its exec plugin: list it in credentialPluginAllowlist, then adopt',
    }
  return {
    exec: {
      apiVersion: apiVersion === `${group}v1` ? 'v1' : 'v1beta1',
      command: path,
      args,
      env,
      interactiveMode: interactiveMode === '' ? 'IfAvailable' : interactiveMode,
      provideClusterInfo,
      ...(installHint != null && installHint !== '' && { installHint }),
    },
  }
}
