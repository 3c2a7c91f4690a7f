import type { KubeObject } from './kube-object.ts'
import type { Resource } from './resource-catalogue.ts'
import { tableOf } from './table.ts'
import type { RowObject } from './table.ts'

/** How a client wants objects shown: as they are, or as the tables that kubectl prints. */
export interface Representation {
  one(resource: Resource, object: KubeObject): unknown
  list(resource: Resource, objects: readonly KubeObject[], resourceVersion: string): unknown
}

/** @returns what the first acceptable media range of `accept` asks for. Protobuf is never spoken. */
export function representationOf(accept: string, query: URLSearchParams): Representation {
  const ranges = accept.split(',').map((range) => range.trim())
  const first = ranges.find((range) => /^(application\/(json|\*)|\*\/\*)/.test(range))
  return first?.includes('as=Table') ? tables(rowObjectOf(query)) : plain
}

const plain: Representation = {
  one: (_, object) => object,
  list: (resource, items, resourceVersion) => ({
    kind: `${resource.kind}List`,
    apiVersion: 'v1',
    metadata: { resourceVersion },
    items,
  }),
}

function tables(rowObject: RowObject): Representation {
  return {
    one: (resource, object) => {
      const resourceVersion = object.metadata.resourceVersion ?? ''
      return tableOf(resource, [object], { rowObject, resourceVersion })
    },
    list: (resource, objects, resourceVersion) => tableOf(resource, objects, { rowObject, resourceVersion }),
  }
}

function rowObjectOf(query: URLSearchParams): RowObject {
  const asked = query.get('includeObject')
  return asked === 'None' || asked === 'Object' ? asked : 'Metadata'
}
