/** Names and addresses of this machine alone. `localhost` is both addresses (RFC 6761, 6.3). */
const addresses: Readonly<Record<string, readonly string[]>> = {
  'localhost': ['127.0.0.1', '::1'],
  '127.0.0.1': ['127.0.0.1'],
  '[::1]': ['::1'],
}

/** May a browser be sent there with an authorization code? RFC 8252, 7.3: http, on this machine. */
export function isLoopback(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, search, hash, username, password } = new URL(text)
  return (
    protocol === 'http:' &&
    Object.hasOwn(addresses, hostname) &&
    `${search}${hash}${username}${password}` === ''
  )
}

/** Where to listen for it. Port 0: it names none, and any will do. */
export function placesOf(redirect: string): { readonly hosts: readonly string[]; readonly port: number } {
  const { hostname, port } = new URL(redirect)
  return { hosts: addresses[hostname] ?? [], port: portIn(redirect) ?? Number(port) }
}

/** A URL drops the usual port: `http://localhost:80` says one, `http://localhost` does not. */
const portIn = (redirect: string): number | undefined =>
  /^http:\/\/[^/]+:80(\/|$)/.test(redirect) ? 80 : undefined

export function withPort(redirect: string, port: number): string {
  return placesOf(redirect).port === 0
    ? redirect.replace(/^http:\/\/(localhost|127\.0\.0\.1|\[::1\])/, `$&:${port}`)
    : redirect
}

/** Is this redirect one of those that the settings allow? */
export function isAllowed(redirect: string, allowed: readonly string[]): boolean {
  if (!isLoopback(redirect)) return false
  const { port } = placesOf(redirect)
  return port > 0 && allowed.some((one) => withPort(one, port) === redirect)
}
