/** Where a request is to go: which API server, and its path and query there. */
export interface Route {
  readonly slug: string
  readonly target: string
}

const form = /^\/([a-z0-9][a-z0-9._-]{0,99})(\/[^?#]*)?(\?[^#]*)?$/

/** `.` and `..`, in any spelling: a server that resolves them would leave the path that the credential is for. */
const dotSegment = /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\]|$)/i

/**
 * Takes the first segment off a request’s target. Nothing else is changed, for the API server reads it.
 *
 * @returns undefined for what is no path of ours: another form (RFC 9112, 3.2), a dot segment
 */
export function routeOf(target: string): Route | undefined {
  const [, slug, path = '/', query = ''] = form.exec(target) ?? []
  if (slug === undefined) return undefined
  const decoded = path.replaceAll(/%2f|%5c/gi, '/')
  return dotSegment.test(decoded) ? undefined : { slug, target: `${path}${query}` }
}

/** The target at a server that has a path of its own (`https://host/k8s/clusters/c-1`). */
export function joinTarget(server: URL, target: string): string {
  return `${server.pathname.replace(/\/+$/, '')}${target}`
}
