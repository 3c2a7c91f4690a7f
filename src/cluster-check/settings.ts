/** Where an API server’s settings are made; `server` is the flag or file itself, `k3s` RKE2, too. */
export const platforms = ['server', 'kubeadm', 'k3s', 'eks', 'gke', 'aks'] as const
export type Platform = (typeof platforms)[number]

const platformNames: Readonly<Record<Platform, string>> = {
  server: 'API server',
  kubeadm: 'kubeadm',
  k3s: 'k3s, RKE2',
  eks: 'EKS',
  gke: 'GKE',
  aks: 'AKS',
}

export type Settings = Readonly<Record<Platform, string>>

export const everywhere = (text: string): Settings =>
  Object.fromEntries(platforms.map((platform) => [platform, text])) as Record<Platform, string>

export const everywhereAnd = (text: string, but: Partial<Settings>): Settings => ({
  ...everywhere(text),
  ...but,
})

/** On whose machines the control plane runs, sets its flags. */
export const notToBeSet = (instead: string): Pick<Settings, 'eks' | 'gke' | 'aks'> => ({
  eks: `the flag is AWS’s; ${instead}`,
  gke: `the flag is Google’s; ${instead}`,
  aks: `the flag is Azure’s; ${instead}`,
})

type Own = Pick<Settings, 'server' | 'kubeadm' | 'k3s'>

export const serverFlag = (name: string, value: string): Own => flag('apiServer', 'apiserver', name, value)

export const controllerFlag = (name: string, value: string): Own => ({
  ...flag('controllerManager', 'controller-manager', name, value),
  server: `kube-controller-manager: --${name}=${value}`,
})

/** kubeadm.k8s.io/v1beta4 has lists of name and value; what it writes is taken up by the node’s own kubelet. */
function flag(section: string, phase: string, name: string, value: string): Own {
  return {
    server: `--${name}=${value}`,
    kubeadm: `${section}.extraArgs of the ClusterConfiguration: {name: ${name}, value: "${value}"}; then on each control plane node: kubeadm init phase control-plane ${phase} --config FILE`,
    k3s: `kube-${phase}-arg: ["${name}=${value}"] in /etc/rancher/k3s/config.yaml (RKE2: /etc/rancher/rke2/config.yaml), then restart the server`,
  }
}

export const kubeletSetting = (field: string, argument: string, value: string): Own => ({
  server: `in each kubelet’s KubeletConfiguration: ${field}: ${value}`,
  kubeadm: `kubectl edit cm -n kube-system kubelet-config: ${field}: ${value}; then on each node: kubeadm upgrade node phase kubelet-config, and restart the kubelet`,
  k3s: `kubelet-arg: ["${argument}=${value}"] in /etc/rancher/k3s/config.yaml (RKE2: /etc/rancher/rke2/config.yaml) of each node, then restart it`,
})

/** One line for each platform; what several have in common is said once. */
export function settingLines(settings: Settings): string[] {
  const texts = [...new Set(platforms.map((platform) => settings[platform]))]
  if (texts.length === 1) return texts
  return texts.map((text) => {
    const names = platforms.filter((platform) => settings[platform] === text)
    return `${names.map((each) => platformNames[each]).join(', ')}: ${text}`
  })
}
