import { gzipSync } from 'node:zlib'
import type { KubeObject } from './kube-object.ts'
import type { ObjectStore } from './object-store.ts'
import { resourceNamed } from './resource-catalogue.ts'

const startedAt = new Date(Date.now() - 26 * 60 * 60 * 1000).toISOString().replace(/\.\d+/, '')

/** Fills a store with the small shop that demos and tests work on. */
export function seed(store: ObjectStore): void {
  const objects = [
    ...['default', 'kube-system', 'shop'].map(namespace),
    node('node-0', '10.0.0.10', 'control-plane'),
    node('node-1', '10.0.0.11', 'worker'),
    runningPod('web-0', 'default', { app: 'web' }, 'example.test/web:1.4.2', 1),
    runningPod('web-1', 'default', { app: 'web' }, 'example.test/web:1.4.2', 2),
    runningPod('db-0', 'default', { app: 'db', tier: 'data' }, 'example.test/db:16', 3),
    runningPod('cart-0', 'shop', { app: 'cart' }, 'example.test/cart:2.0.0', 4),
    runningPod('payments-0', 'shop', { app: 'payments' }, 'example.test/payments:3.1.0', 5),
    runningPod('dns-0', 'kube-system', { 'k8s-app': 'dns' }, 'example.test/dns:1.11.1', 6),
    configMap('web-config', 'default', { 'greeting': 'hello from the playground', 'log-level': 'info' }),
    configMap('shop-config', 'shop', { currency: 'EUR' }),
    secret('db-password', 'default', 'Opaque', { username: 'shop', password: 'not-a-real-password' }),
    service('web', 'default', { app: 'web' }, '10.96.0.20'),
    service(
      'dns',
      'kube-system',
      { 'k8s-app': 'dns', 'kubernetes.io/cluster-service': 'true' },
      '10.96.0.10',
    ),
    helmRelease('shop', 'shop'),
  ]
  for (const object of objects) store.create(resourceFor(object.kind), object)
}

/** @returns a pod as it looks once it runs; used for seeded pods and for those that a client creates. */
export function asRunning(pod: KubeObject, podIP: string): KubeObject {
  const spec = pod['spec'] as
    | { containers?: { name: string; image: string }[]; nodeName?: string }
    | undefined
  const containers = spec?.containers ?? []
  const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: startedAt })
  return {
    ...pod,
    spec: { restartPolicy: 'Always', serviceAccountName: 'default', nodeName: 'node-1', ...spec },
    status: {
      phase: 'Running',
      podIP,
      podIPs: [{ ip: podIP }],
      hostIP: '10.0.0.11',
      startTime: startedAt,
      conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(condition),
      containerStatuses: containers.map(({ name, image }) => ({
        name,
        image,
        imageID: '',
        ready: true,
        started: true,
        restartCount: 0,
        containerID: `playground://${name}`,
        state: { running: { startedAt } },
      })),
    },
  }
}

function resourceFor(kind: string): NonNullable<ReturnType<typeof resourceNamed>> {
  return resourceNamed(`${kind.toLowerCase()}s`)!
}

function object(kind: string, name: string, more: Record<string, unknown>, meta: object = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, ...meta, creationTimestamp: startedAt }, ...more }
}

function namespace(name: string): KubeObject {
  const labels = { 'kubernetes.io/metadata.name': name }
  return object('Namespace', name, { spec: {}, status: { phase: 'Active' } }, { labels })
}

function node(name: string, address: string, role: string): KubeObject {
  const status = {
    addresses: [{ type: 'InternalIP', address }],
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
    nodeInfo: { kubeletVersion: 'v1.35.0', osImage: 'kubeguard playground', architecture: 'amd64' },
    capacity: { cpu: '4', memory: '8Gi', pods: '110' },
  }
  const labels = { [`node-role.kubernetes.io/${role}`]: '', 'kubernetes.io/hostname': name }
  return object('Node', name, { spec: {}, status }, { labels })
}

function runningPod(
  name: string,
  inNamespace: string,
  labels: Record<string, string>,
  image: string,
  number: number,
): KubeObject {
  const container = {
    name: name.replace(/-\d+$/, ''),
    image,
    ports: [{ containerPort: 8080, protocol: 'TCP' }],
  }
  const pod = object('Pod', name, { spec: { containers: [container] } }, { namespace: inNamespace, labels })
  return asRunning(pod, `10.244.0.${number}`)
}

function configMap(name: string, inNamespace: string, data: Record<string, string>): KubeObject {
  return object('ConfigMap', name, { data }, { namespace: inNamespace })
}

function secret(
  name: string,
  inNamespace: string,
  type: string,
  values: Record<string, string>,
  labels: Record<string, string> = {},
): KubeObject {
  const encode = ([key, value]: [string, string]) => [key, Buffer.from(value).toString('base64')]
  const data = Object.fromEntries(Object.entries(values).map(encode))
  return object('Secret', name, { type, data }, { namespace: inNamespace, labels })
}

function service(
  name: string,
  inNamespace: string,
  labels: Record<string, string>,
  clusterIP: string,
): KubeObject {
  const ports = [{ name: 'http', port: 8080, targetPort: 8080, protocol: 'TCP' }]
  const spec = { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports, selector: labels }
  return object('Service', name, { spec, status: { loadBalancer: {} } }, { namespace: inNamespace, labels })
}

/** A release as helm keeps it: JSON, gzipped, in base64 (and once more as any secret's value). */
function helmRelease(name: string, inNamespace: string): KubeObject {
  const release = {
    name,
    namespace: inNamespace,
    version: 1,
    info: {
      first_deployed: startedAt,
      last_deployed: startedAt,
      deleted: '',
      description: '',
      status: 'deployed',
    },
    chart: {
      metadata: { name: 'shop', version: '0.3.0', appVersion: '2.0.0', apiVersion: 'v2' },
      templates: [],
    },
    config: {},
    manifest: '',
  }
  const labels = { owner: 'helm', name, status: 'deployed', version: '1' }
  const packed = gzipSync(JSON.stringify(release)).toString('base64')
  const type = 'helm.sh/release.v1'
  return secret(`sh.helm.release.v1.${name}.v1`, inNamespace, type, { release: packed }, labels)
}
