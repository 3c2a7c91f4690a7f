import { ageOf } from './age.ts'
import { fieldAt, isRecord } from './kube-object.ts'
import type { KubeObject } from './kube-object.ts'
import type { Resource } from './resource-catalogue.ts'

interface Column {
  readonly name: string
  readonly cell: (object: KubeObject) => string | number
  /** 1: shown by `-o wide` only. */
  readonly priority?: number
}

/** What a table's rows carry beside their cells: kubectl asks for whole objects where it has to sort. */
export type RowObject = 'None' | 'Metadata' | 'Object'

/** @returns objects as the `Table` that kubectl prints. */
export function tableOf(
  resource: Resource,
  objects: readonly KubeObject[],
  options: { readonly rowObject: RowObject; readonly resourceVersion: string },
): Record<string, unknown> {
  const columns = columnsOf[resource.plural] ?? []
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: options.resourceVersion },
    columnDefinitions: columns.map(({ name, priority = 0 }) => ({
      name,
      type: name === 'Data' ? 'integer' : 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object)),
      ...rowObject(object, options.rowObject),
    })),
  }
}

function rowObject(object: KubeObject, kind: RowObject): Record<string, unknown> {
  if (kind === 'None') return {}
  if (kind === 'Object') return { object }
  const { metadata } = object
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata } }
}

const text = (path: string, otherwise = '<none>') => {
  return (object: KubeObject) => String(fieldAt(object, path) ?? otherwise)
}
const name: Column = { name: 'Name', cell: (object) => object.metadata.name }
const age: Column = { name: 'Age', cell: (object) => ageOf(object.metadata.creationTimestamp) }
const data: Column = { name: 'Data', cell: (object) => Object.keys(recordAt(object, 'data')).length }
const wide = (column: Column): Column => ({ ...column, priority: 1 })

const columnsOf: Readonly<Record<string, readonly Column[]>> = {
  namespaces: [name, { name: 'Status', cell: text('status.phase') }, age],
  nodes: [
    name,
    { name: 'Status', cell: () => 'Ready' },
    { name: 'Roles', cell: nodeRoles },
    age,
    { name: 'Version', cell: text('status.nodeInfo.kubeletVersion') },
    wide({ name: 'Internal-IP', cell: nodeAddress }),
    wide({ name: 'OS-Image', cell: text('status.nodeInfo.osImage') }),
  ],
  pods: [
    name,
    { name: 'Ready', cell: podReady },
    { name: 'Status', cell: text('status.phase') },
    { name: 'Restarts', cell: () => '0' },
    age,
    wide({ name: 'IP', cell: text('status.podIP') }),
    wide({ name: 'Node', cell: text('spec.nodeName') }),
  ],
  configmaps: [name, data, age],
  secrets: [name, { name: 'Type', cell: text('type', 'Opaque') }, data, age],
  services: [
    name,
    { name: 'Type', cell: text('spec.type') },
    { name: 'Cluster-IP', cell: text('spec.clusterIP') },
    { name: 'External-IP', cell: () => '<none>' },
    { name: 'Port(s)', cell: servicePorts },
    age,
  ],
  events: [
    { name: 'Last Seen', cell: (object) => ageOf(fieldAt(object, 'lastTimestamp') as string | undefined) },
    { name: 'Type', cell: text('type') },
    { name: 'Reason', cell: text('reason') },
    { name: 'Object', cell: text('involvedObject.name') },
    { name: 'Message', cell: text('message') },
  ],
}

function nodeRoles(object: KubeObject): string {
  const prefix = 'node-role.kubernetes.io/'
  const labels = Object.keys(object.metadata.labels ?? {}).filter((label) => label.startsWith(prefix))
  return labels.map((label) => label.slice(prefix.length)).join(',') || '<none>'
}

function nodeAddress(object: KubeObject): string {
  return text('address')(recordsAt(object, 'status.addresses')[0] as KubeObject)
}

function podReady(object: KubeObject): string {
  const statuses = recordsAt(object, 'status.containerStatuses')
  return `${statuses.filter((status) => status['ready'] === true).length}/${statuses.length}`
}

function servicePorts(object: KubeObject): string {
  return recordsAt(object, 'spec.ports')
    .map((port) => `${port['port']}/${port['protocol']}`)
    .join(',')
}

function recordAt(object: KubeObject, path: string): Record<string, unknown> {
  const value = fieldAt(object, path)
  return isRecord(value) ? value : {}
}

function recordsAt(object: KubeObject, path: string): Record<string, unknown>[] {
  const value = fieldAt(object, path)
  return Array.isArray(value) ? value.filter(isRecord) : []
}
