import { until } from '../fixtures/terminal.ts'
import { admin, cluster } from './fixture.ts'

/** Serves the pod's name on 8080 and writes to its log. */
const busy = `mkdir -p /www && hostname >/www/index.html && httpd -p 8080 -h /www
while :; do echo "$(hostname) $((n += 1))"; sleep 0.2; done`

export interface PodOptions {
  /** What runs in it, instead of a small web server. */
  readonly command?: readonly string[]
  /** With a terminal of its own, for attach. */
  readonly tty?: boolean
}

function manifest(name: string, { command = ['/bin/sh', '-c', busy], tty = false }: PodOptions): object {
  const container = {
    name: 'main',
    image: cluster.image,
    imagePullPolicy: 'IfNotPresent',
    command,
    tty,
    stdin: tty,
  }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      hostname: name,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      containers: [container],
    },
  }
}

/** Resolves when the pod is ready, whoever made it. A new namespace refuses pods until it has its service account. */
export async function startPod(namespace: string, name: string, options: PodOptions = {}): Promise<void> {
  const body = JSON.stringify(manifest(name, options))
  let last = ''
  const create = (): Promise<boolean> =>
    admin(['create', '-n', namespace, '-f', '-'], body).then(
      () => true,
      (error: Error) => ((last = error.message), last.includes('AlreadyExists')),
    )
  await until(`a pod ${name}`, create, { now: () => last })
  if (cluster.noPods === undefined)
    await admin(['wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready', '--timeout=60s'])
  else await pretendRunning(namespace, name)
}

/** Where nothing can run, a list of pods that says so is still a list. */
async function pretendRunning(namespace: string, name: string): Promise<void> {
  const status = JSON.stringify({ status: { phase: 'Running' } })
  await admin(['patch', 'pod', name, '-n', namespace, '--subresource=status', '--type=merge', '-p', status])
}
