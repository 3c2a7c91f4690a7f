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
const notFromClients = /^(?:authorization|host|expect|cookie|origin|x-remote-.*|forwarded|x-forwarded-.*)$/

/** What would lead a client past the gateway, or let a web page read an answer. */
const notFromServers = /^(?:alt-svc|strict-transport-security|set-cookie|access-control-.*)$/

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
  return pairsOf(headers).find(([name]) => name.toLowerCase() === wanted)?.[1]
}

/** What goes on to the API server, but who the gateway is. */
export function requestHeaders(headers: RawHeaders): string[] {
  return kept(headers, (name) => !notFromClients.test(name))
}

/** What goes back to the client. */
export function responseHeaders(headers: RawHeaders): string[] {
  return kept(headers, (name) => !notFromServers.test(name))
}

function kept(headers: RawHeaders, wanted: (lowerCaseName: string) => boolean): string[] {
  const pairs = pairsOf(headers)
  const named = new Set(
    pairs
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => value.split(',').map((option) => option.trim().toLowerCase())),
  )
  return pairs
    .filter(([name]) => {
      const lower = name.toLowerCase()
      // Pseudo-headers of HTTP/2 begin with a colon.
      return !lower.startsWith(':') && !hopByHop.has(lower) && !named.has(lower) && wanted(lower)
    })
    .flat()
}
