import { parsed } from './cluster.ts'
import type { ProgramFlags } from './control-plane.ts'
import type { Platform } from './settings.ts'

/**
 * @returns whose cluster this is, as far as its version says (`v1.34.1-eks-1234`, `v1.34.1+k3s1`, `v1.34.1-gke.100`), or
 * its address: AKS’s versions are plain ones.
 */
export function platformOf(versionJson: string, server: string, flags: ProgramFlags | undefined): Platform {
  const { gitVersion = '' } = parsed<{ gitVersion?: string }>(versionJson) ?? {}
  if (gitVersion.includes('-eks-')) return 'eks'
  if (gitVersion.includes('-gke.')) return 'gke'
  if (/\+(?:k3s|rke2)/.test(gitVersion)) return 'k3s'
  if (/\.azmk8s\.(?:io|us)(?::|$)|\.cx\.prod\.service\.azk8s\.cn/.test(server)) return 'aks'
  return flags?.from.startsWith('pods') ? 'kubeadm' : 'server'
}
