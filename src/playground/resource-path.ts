import { resourceNamed } from './resource-catalogue.ts'
import type { Resource } from './resource-catalogue.ts'

/** What a path under /api/v1 speaks of. */
export interface ResourcePath {
  readonly resource: Resource
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
}

/** @returns what a path names, or undefined where the playground has no such thing. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const segments = path.split('/').slice(1).map(decode)
  if (segments[0] !== 'api' || segments[1] !== 'v1' || segments.includes('')) return undefined
  const rest = segments.slice(2)
  const isInNamespace = rest[0] === 'namespaces' && rest.length > 2
  const namespace = isInNamespace ? rest[1] : undefined
  const [plural, name, subresource, ...more] = isInNamespace ? rest.slice(2) : rest
  const resource = resourceNamed(plural ?? '')
  if (resource === undefined || more.length > 0) return undefined
  if (resource.namespaced !== isInNamespace && (isInNamespace || name !== undefined)) return undefined
  if (subresource !== undefined && !resource.subresources.some((known) => known.name === subresource))
    return undefined
  return { resource, namespace, name, subresource }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return ''
  }
}
