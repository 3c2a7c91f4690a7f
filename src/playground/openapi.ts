import { resources } from './resource-catalogue.ts'
import type { Resource } from './resource-catalogue.ts'

/**
 * The least OpenAPI v3 that kubectl asks for: `apply` and `create` look for the `fieldValidation` parameter of
 * the kind they send (then they leave validation to the server), `explain` for a schema by kind.
 */
export function openApiDocument(path: string): Record<string, unknown> | undefined {
  if (path === '/openapi/v3') return { paths: { 'api/v1': { serverRelativeURL: '/openapi/v3/api/v1' } } }
  if (path !== '/openapi/v3/api/v1') return undefined
  return {
    openapi: '3.0.0',
    info: { title: 'kubeguard playground', version: 'v1' },
    paths: Object.fromEntries(resources.map((resource) => [pathOf(resource), operationsOf(resource)])),
    components: {
      schemas: Object.fromEntries(resources.map((resource) => [schemaName(resource), schemaOf(resource)])),
    },
  }
}

const kindKey = 'x-kubernetes-group-version-kind'
const kindOf = ({ kind }: Resource) => ({ group: '', version: 'v1', kind })
const schemaName = ({ kind }: Resource) => `io.k8s.api.core.v1.${kind}`

function pathOf({ plural, namespaced }: Resource): string {
  return `/api/v1/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}/{name}`
}

function operationsOf(resource: Resource): object {
  const parameters = [{ name: 'fieldValidation', in: 'query', schema: { type: 'string' } }]
  const operation = (action: string) => ({
    'x-kubernetes-action': action,
    [kindKey]: kindOf(resource),
    parameters,
    'responses': {},
  })
  return { patch: operation('patch'), put: operation('put') }
}

function schemaOf(resource: Resource): object {
  const text = (description: string) => ({ type: 'string', description })
  return {
    type: 'object',
    description: `A ${resource.kind} of the playground. Its fields are not checked.`,
    [kindKey]: [kindOf(resource)],
    properties: {
      apiVersion: text('The version of this representation of the object.'),
      kind: text('The kind of the object.'),
      metadata: { type: 'object', description: 'Its name, namespace, labels and annotations.' },
    },
  }
}

/**
 * OpenAPI v2 as kubectl before 1.29 asks for it before each `apply` and `edit`: protobuf, gnostic's `Document`, here
 * with its first field alone, `swagger: "2.0"`. Without schemas kubectl uses its own, or v3.
 */
export const openApiV2Document = {
  contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
  bytes: Buffer.from('\x0a\x032.0'),
}
