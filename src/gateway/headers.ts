/** Names and values in turn, as they came: what occurs twice occurs twice. */
export type RawHeaders = readonly string[]

/** Of one connection, and so not forwarded (RFC 9110, 7.6.1); framing is made anew on the other side. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** What the gateway says itself, or what would make the API server take the client for somebody else. */
const notFromClients = new Set(['authorization', 'host', 'expect', 'cookie', 'origin', 'forwarded'])
const prefixesNotFromClients = ['x-remote-', 'x-forwarded-']

/** What would lead a client past the gateway, or let a web page read an answer. */
const notFromServers = new Set(['alt-svc', 'strict-transport-security', 'set-cookie'])
const prefixesNotFromServers = ['access-control-']

/** Whoever impersonates asks to be somebody else; see `refusal` in answer.ts. */
export const asksToImpersonate = (headers: RawHeaders): boolean =>
  pairsOf(headers).some(([name]) => name.toLowerCase().startsWith('impersonate-'))

export function pairsOf(headers: RawHeaders): [name: string, value: string][] {
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < headers.length; index += 2)
    pairs.push([headers[index] as string, headers[index + 1] as string])
  return pairs
}

export function valueOf(headers: RawHeaders, wanted: string): string | undefined {
  for (let index = 0; index + 1 < headers.length; index += 2)
    if (headers[index]?.toLowerCase() === wanted) return headers[index + 1]
  return undefined
}

/** What goes on to the API server, but who the gateway is. */
export function requestHeaders(headers: RawHeaders): string[] {
  return kept(headers, notFromClients, prefixesNotFromClients)
}

/** What goes back to the client. */
export function responseHeaders(headers: RawHeaders): string[] {
  return kept(headers, notFromServers, prefixesNotFromServers)
}

/** Each request comes by twice, so it walks the headers once, and makes nothing but what it returns. */
function kept(headers: RawHeaders, unwanted: ReadonlySet<string>, prefixes: readonly string[]): string[] {
  const result: string[] = []
  let named = ''
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const [name, value] = [headers[index] as string, headers[index + 1] as string]
    const lower = name.toLowerCase()
    if (lower === 'connection') named += `,${value}`
    // Pseudo-headers of HTTP/2 begin with a colon.
    if (lower.startsWith(':') || hopByHop.has(lower) || unwanted.has(lower)) continue
    if (!prefixes.some((prefix) => lower.startsWith(prefix))) result.push(name, value)
  }
  return isPlainConnection.test(named) ? result : withoutNamed(result, named)
}

/** Says nothing of other headers, as nearly always. */
const isPlainConnection = /^(?:,(?:keep-alive|close))?$/i

function withoutNamed(headers: RawHeaders, connection: string): string[] {
  const named = new Set(connection.split(',').map((option) => option.trim().toLowerCase()))
  return pairsOf(headers)
    .filter(([name]) => !named.has(name.toLowerCase()))
    .flat()
}
