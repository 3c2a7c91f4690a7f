/** What a request to a Kubernetes API server is about, in the words of RBAC. */
export interface ApiRequest {
  /** get, list, watch, create, update, patch, delete, deletecollection; of other paths the method in small letters. */
  readonly verb: string
  /** With its subresource: `pods`, `pods/exec`; empty for a path that is no resource’s. */
  readonly resource: string
  /** Empty for what has none. */
  readonly namespace: string
  readonly name: string
}

const verbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** Their own parts, and not of the namespace’s content. */
const partsOfNamespace = new Set(['status', 'finalize'])

/**
 * As the API server itself reads a path (apiserver, pkg/endpoints/request/requestinfo.go), which looks at it decoded.
 *
 * @param target path and query
 * @returns undefined for a path that could be read in two ways: one with empty segments, or that can’t be decoded
 */
export function readApiRequest(method: string, target: string): ApiRequest | undefined {
  const [encoded = '', query = ''] = target.split(/\?(.*)/s)
  const segments = segmentsOf(encoded)
  if (segments === undefined) return undefined
  const [root, ...rest] = segments
  const ofResources = root === 'api' ? rest.slice(1) : root === 'apis' ? rest.slice(2) : []
  if (ofResources.length === 0) return { verb: method.toLowerCase(), resource: '', namespace: '', name: '' }
  return aboutResource(verbs[method] ?? method.toLowerCase(), ofResources, query)
}

function aboutResource(verb: string, segments: readonly string[], query: string): ApiRequest {
  // The old form: /api/v1/watch/namespaces/…, /api/v1/proxy/…
  const isOld = segments[0] === 'watch' || segments[0] === 'proxy'
  const parts = isOld ? segments.slice(1) : segments
  const isIn = parts[0] === 'namespaces' && parts.length > 2 && !partsOfNamespace.has(parts[2] as string)
  const [resource = '', name = '', ...sub] = isIn ? parts.slice(2) : parts
  const isNamespace = resource === 'namespaces' && name !== ''
  return {
    verb: isOld ? (segments[0] as string) : verbFor(verb, name, query),
    resource: sub[0] === undefined ? resource : `${resource}/${sub[0]}`,
    namespace: isIn ? (parts[1] as string) : isNamespace ? name : '',
    name,
  }
}

function verbFor(verb: string, name: string, query: string): string {
  if (name !== '') return verb
  if (verb === 'delete') return 'deletecollection'
  if (verb !== 'get') return verb
  // Anything but a clear no (apimachinery, runtime/converter.go).
  const watch = new URLSearchParams(query).get('watch')
  return watch === null || watch === '0' || watch.toLowerCase() === 'false' ? 'list' : 'watch'
}

/** A slash at the end is no segment; one that is written as %2F is a slash. */
function segmentsOf(encoded: string): string[] | undefined {
  try {
    const decoded = decodeURIComponent(encoded)
    const trimmed = decoded.replace(/^\/|\/$/g, '')
    const segments = trimmed === '' ? [] : trimmed.split('/')
    return segments.includes('') ? undefined : segments
  } catch {
    return undefined
  }
}
