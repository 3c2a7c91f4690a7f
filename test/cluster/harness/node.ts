import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../../fixtures/run-program.ts'
import { freePort } from './control-plane.ts'
import { image, makeImage } from './images.ts'
import type { NodePrograms } from './packages.ts'
import { ClusterProcess } from './process.ts'

/** Also its host name: it resolves to the one address that the kubelet listens on. */
export const nodeName = 'localhost'

const script = new URL('node.sh', import.meta.url).pathname
const namespaces = ['--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc']

/** @returns why no kubelet can run here; undefined where it can be tried. */
export function nodeRefusal(): string | undefined {
  if (process.getuid?.() !== 0) return 'the kubelet needs root'
  const tried = spawnSync('unshare', [...namespaces, 'mount', '-t', 'tmpfs', 'tmpfs', '/run'], {
    encoding: 'utf8',
  })
  if (tried.status !== 0) return `no namespaces of our own: ${tried.error?.message ?? tried.stderr.trim()}`
  if (ownAddress() === undefined) return 'the kubelet needs an address besides loopback'
  return undefined
}

function ownAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}

const containerdSettings = (folder: string): string => `
version = 3
root = "${folder}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing"]
[grpc]
address = "${folder}/containerd.sock"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "${image}"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["${folder}/cni"]
conf_dir = "${folder}/cni.d"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`

/** The bridge has no address on its own side: pods talk to each other, and to nobody else. */
function writePodNetwork(folder: string, plugins: string): void {
  mkdirSync(join(folder, 'cni'))
  mkdirSync(join(folder, 'cni.d'))
  for (const name of ['bridge', 'host-local', 'loopback'])
    copyFileSync(join(plugins, name), join(folder, 'cni', name))
  const inSwitch = join(folder, 'cni', 'bridge-in-switch')
  writeFileSync(inSwitch, `#!/bin/sh\nexec nsenter --net=/run/netns/pods-switch '${folder}/cni/bridge'\n`)
  chmodSync(inSwitch, 0o755)
  const ipam = {
    type: 'host-local',
    dataDir: join(folder, 'addresses'),
    ranges: [[{ subnet: '10.88.0.0/16' }]],
  }
  const network = {
    cniVersion: '1.0.0',
    name: 'pods',
    plugins: [{ type: 'bridge-in-switch', bridge: 'pods', ipam }],
  }
  writeFileSync(join(folder, 'cni.d', 'pods.conflist'), JSON.stringify(network))
}

/** Small machines, cgroup v1, and no right to raise a process's importance: see the kubelet's own documentation. */
const kubeletSettings = (folder: string, port: number): object => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: '127.0.0.1',
  port,
  healthzPort: 0,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: false },
    x509: { clientCAFile: join(folder, 'ca.crt') },
  },
  authorization: { mode: 'AlwaysAllow' },
  tlsCertFile: join(folder, 'kubelet-server.crt'),
  tlsPrivateKeyFile: join(folder, 'kubelet-server.key'),
  containerRuntimeEndpoint: `unix://${folder}/containerd.sock`,
  failCgroupV1: false,
  cgroupDriver: 'cgroupfs',
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  failSwapOn: false,
  oomScoreAdj: 0,
  makeIPTablesUtilChains: false,
  resolvConf: '',
  evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
  imageGCHighThresholdPercent: 100,
  podLogsDir: join(folder, 'pods'),
})

/**
 * Starts containerd and a kubelet, in namespaces of their own. Resolves when the node is ready.
 * @throws Error with what they said when they can't run here.
 */
export async function startNode(
  folder: string,
  programs: NodePrograms & { readonly kubernetes: string },
): Promise<ClusterProcess> {
  writeFileSync(join(folder, 'containerd.toml'), containerdSettings(folder))
  writePodNetwork(folder, programs.cni)
  writeFileSync(join(folder, 'kubelet.json'), JSON.stringify(kubeletSettings(folder, await freePort())))
  const kubelet = [
    join(programs.kubernetes, 'kubelet'),
    `--kubeconfig=${join(folder, 'node.kubeconfig')}`,
    `--config=${join(folder, 'kubelet.json')}`,
    `--root-dir=${join(folder, 'kubelet')}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${ownAddress()}`,
  ]
  const archive = makeImage(folder, programs.busybox)
  const path = [...programs.path, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':')
  const command = ['unshare', ...namespaces, 'bash', script, folder, archive, ...kubelet]
  const node = new ClusterProcess(folder, 'node', command, { PATH: path })
  try {
    await node.ready(() => isReady(folder, join(programs.kubernetes, 'kubectl')))
  } catch (error) {
    await node.stop('SIGKILL')
    throw error
  }
  return node
}

async function isReady(folder: string, kubectl: string): Promise<boolean> {
  const ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
  const kubeconfig = join(folder, 'admin.kubeconfig')
  const run = await runProgram(kubectl, ['get', 'node', nodeName, '-o', ready], {
    env: { KUBECONFIG: kubeconfig, HOME: folder },
  })
  return run.stdout === 'True'
}
