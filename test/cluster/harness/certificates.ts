import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']

function openssl(folder: string, args: readonly string[]): void {
  execFileSync('openssl', ['req', '-x509', ...newKey, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

function issue(folder: string, name: string, subject: string, extensions: readonly string[]): void {
  const more = extensions.flatMap((extension) => ['-addext', extension])
  const files = ['-keyout', `${name}.key`, '-out', `${name}.crt`]
  openssl(folder, ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-subj', subject, ...files, ...more])
}

/**
 * One authority, and what each program shows to the others: NAME.crt and NAME.key in `folder`. Kubernetes reads a
 * user's name from CN and the groups from O.
 */
export function makeCertificates(folder: string, nodeName: string): void {
  openssl(folder, ['-subj', '/CN=kubeguard test cluster', '-keyout', 'ca.key', '-out', 'ca.crt'])
  const here = 'subjectAltName=IP:127.0.0.1,DNS:localhost'
  const server = [here, 'extendedKeyUsage=serverAuth', 'basicConstraints=critical,CA:FALSE']
  const client = ['extendedKeyUsage=clientAuth', 'basicConstraints=critical,CA:FALSE']
  issue(folder, 'apiserver', '/CN=kube-apiserver', server)
  issue(folder, 'kubelet-server', `/CN=${nodeName}`, server)
  issue(folder, 'apiserver-to-kubelet', '/CN=kube-apiserver-kubelet-client', client)
  issue(folder, 'admin', '/O=system:masters/CN=admin', client)
  issue(folder, 'controller-manager', '/CN=system:kube-controller-manager', client)
  issue(folder, 'scheduler', '/CN=system:kube-scheduler', client)
  issue(folder, 'node', `/O=system:nodes/CN=system:node:${nodeName}`, client)
  execFileSync('openssl', ['genrsa', '-out', join(folder, 'service-account.key'), '2048'], {
    stdio: 'ignore',
  })
}
