import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { request } from 'node:https'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterProcess } from './process.ts'
import { writeKubeconfig } from './kubeconfig.ts'

export interface ControlPlane {
  readonly url: string
  readonly processes: readonly ClusterProcess[]
  /** A user of the API server's token file, allowed everything. */
  readonly staticToken: string
}

/** @returns a free port of loopback. */
export function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

/** Nothing here is worth a disk's sync. A socket file has no port that could be taken. */
const etcdArguments = (folder: string): string[] => [
  `--data-dir=${join(folder, 'etcd')}`,
  '--listen-client-urls=unix://localhost:1',
  '--advertise-client-urls=unix://localhost:1',
  '--listen-peer-urls=unix://localhost:2',
  '--initial-advertise-peer-urls=unix://localhost:2',
  '--initial-cluster=default=unix://localhost:2',
  '--unsafe-no-fsync',
  '--logger=zap',
]

/** What an API server of this folder's etcd and authority is started with. */
export function apiServerArguments(folder: string, port: number): string[] {
  const file = (name: string): string => join(folder, name)
  return [
    `--etcd-servers=unix://localhost:1`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--endpoint-reconciler-type=none',
    `--client-ca-file=${file('ca.crt')}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--kubelet-certificate-authority=${file('ca.crt')}`,
    `--kubelet-client-certificate=${file('apiserver-to-kubelet.crt')}`,
    `--kubelet-client-key=${file('apiserver-to-kubelet.key')}`,
    // The kubelet refuses a loopback address for its node, but listens on loopback alone: the host name leads there.
    '--kubelet-preferred-address-types=Hostname',
    '--authorization-mode=Node,RBAC',
    `--token-auth-file=${file('tokens.csv')}`,
    '--enable-bootstrap-token-auth',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('service-account.key')}`,
    `--service-account-signing-key-file=${file('service-account.key')}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    '--allow-privileged',
  ]
}

const controllerArguments = (folder: string): string[] => [
  `--kubeconfig=${join(folder, 'controller-manager.kubeconfig')}`,
  '--secure-port=0',
  '--leader-elect=false',
  '--use-service-account-credentials',
  `--root-ca-file=${join(folder, 'ca.crt')}`,
  `--cluster-signing-cert-file=${join(folder, 'ca.crt')}`,
  `--cluster-signing-key-file=${join(folder, 'ca.key')}`,
  `--service-account-private-key-file=${join(folder, 'service-account.key')}`,
]

/** Starts etcd, API server, controller manager and scheduler. Resolves when the API server is ready. */
export async function startControlPlane(
  folder: string,
  programs: { readonly etcd: string; readonly kubernetes: string },
): Promise<ControlPlane> {
  const port = await freePort()
  const url = `https://127.0.0.1:${port}`
  const staticToken = randomBytes(24).toString('base64url')
  writeFileSync(join(folder, 'tokens.csv'), `${staticToken},static-user,1,"system:masters"\n`, {
    mode: 0o600,
  })
  const start = (name: string, file: string, args: readonly string[]): ClusterProcess =>
    new ClusterProcess(folder, name, [file, ...args])
  const kubernetes = (name: string): string => join(programs.kubernetes, name)
  const etcd = start('etcd', programs.etcd, etcdArguments(folder))
  const apiServer = start('apiserver', kubernetes('kube-apiserver'), apiServerArguments(folder, port))
  const processes = [apiServer, etcd]
  try {
    await apiServer.ready(() => isReady(folder, port))
    for (const user of ['admin', 'controller-manager', 'scheduler', 'node'])
      writeKubeconfig(folder, user, url)
    processes.unshift(
      start('controller-manager', kubernetes('kube-controller-manager'), controllerArguments(folder)),
      start('scheduler', kubernetes('kube-scheduler'), [
        `--kubeconfig=${join(folder, 'scheduler.kubeconfig')}`,
        '--secure-port=0',
        '--leader-elect=false',
      ]),
    )
    return { url, processes, staticToken }
  } catch (error) {
    for (const process of processes) await process.stop('SIGKILL')
    throw error
  }
}

/** Is an API server of this folder's authority there, and ready? */
export function isReady(folder: string, port: number): Promise<boolean> {
  const read = (name: string): Buffer => readFileSync(join(folder, name))
  const tls = { ca: read('ca.crt'), cert: read('admin.crt'), key: read('admin.key') }
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path: '/readyz', agent: false, ...tls }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    asking.on('error', reject)
    asking.end()
  })
}
