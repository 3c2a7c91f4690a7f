import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseKuberc } from '../platform/kubeconfig/parse-kuberc.ts'
import { readSmallFile } from './read-file.ts'

/**
 * Does kubectl's own list of plugins (kuberc, kubectl 1.35 and later) leave this one out? What is wrapped runs behind our
 * plugin, which is on that list: so what kubectl would not run is not wrapped. Only `~/.kube/kuberc` is looked at.
 *
 * @param spelled the command as the kubeconfig has it, and its full path
 */
export function kubercForbids(spelled: readonly string[]): boolean {
  const text = readSmallFile(join(process.env['HOME'] || homedir(), '.kube', 'kuberc'))
  const kuberc = text === undefined ? undefined : parseKuberc(text)
  const policy = kuberc?.pluginPolicy
  if (policy === undefined || policy === '' || policy === 'AllowAll') return false
  return policy !== 'Allowlist' || !spelled.some((command) => kuberc?.allowedPlugins.includes(command))
}
