import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { GuardError } from '../../../domain/errors.ts'
import { placesOf, withPort } from '../settings/loopback.ts'
import { page } from './page.ts'

/** Where the browser sets out from, and comes back to. */
export interface Redirect {
  /** As the provider is told. */
  readonly address: string
  /** What the browser is sent to. It tells whoever reads it, in a list of processes say, nothing of the log-in. */
  readonly start: string
  /** Sends who comes to `start` on to the provider, and waits. @throws GuardError unlock-cancelled, provider-refused */
  await(provider: string, withinMs: number): Promise<string>
  close(): void
}

/**
 * Listens at the first of these whose port is free on all of its addresses: half of `localhost` could be somebody
 * else's, who would be given the code.
 *
 * @throws GuardError provider-unreachable where none is
 */
export async function listenFor(redirects: readonly string[]): Promise<Redirect> {
  for (const redirect of redirects) {
    const found = await tryListen(redirect)
    if (found !== undefined) return found
  }
  throw new GuardError(
    'provider-unreachable',
    `another program listens where the browser is to come back to: ${redirects.join(', ')}`,
    {
      cure: 'end that program (ss -ltnp shows it), or let oidc.redirect in the policy file name another port',
    },
  )
}

async function tryListen(redirect: string): Promise<Redirect | undefined> {
  const { hosts, port } = placesOf(redirect)
  const one = new OneLogIn()
  let chosen = port
  for (const host of hosts) {
    const got = await one.listen(host, chosen)
    // A machine without IPv6 has half of localhost, and nobody else can have the other.
    if (got === 'no-such-address') continue
    if (got === 'taken') {
      one.close()
      return undefined
    }
    chosen = got
  }
  if (chosen === 0) return undefined
  return one.at(withPort(redirect, chosen))
}

/** Seconds of slow browsers; a connection that says nothing is not kept. */
const patienceMs = 5_000
const mostConnections = 32

/** One log-in, in one browser: whoever takes up `start` first gets a cookie, and is the only one who can come back. */
class OneLogIn {
  readonly #servers: Server[] = []
  readonly #secret = randomBytes(24).toString('base64url')
  readonly #cookie = randomBytes(24).toString('base64url')
  readonly #came = Promise.withResolvers<string>()
  #address = new URL('http://localhost')
  #provider: URL | undefined
  #isTaken = false
  #timer: NodeJS.Timeout | undefined

  constructor() {
    this.#came.promise.catch(() => {})
  }

  async listen(host: string, port: number): Promise<number | 'taken' | 'no-such-address'> {
    const server = createServer(
      { headersTimeout: patienceMs, requestTimeout: patienceMs },
      (request, response) => this.#serve(request, response),
    )
    server.maxConnections = mostConnections
    const listening = Promise.withResolvers<number | 'taken' | 'no-such-address'>()
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      listening.resolve(code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' ? 'no-such-address' : 'taken'),
    )
    server.listen({ host, port, exclusive: true }, () => {
      const place = server.address()
      listening.resolve(typeof place === 'object' && place !== null ? place.port : 'taken')
    })
    const got = await listening.promise
    if (typeof got === 'number') this.#servers.push(server)
    return got
  }

  at(address: string): Redirect {
    this.#address = new URL(address)
    return {
      address,
      start: new URL(`/${this.#secret}`, this.#address).href,
      await: (provider, withinMs) => this.#await(new URL(provider), withinMs),
      close: () => this.close(),
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const server of this.#servers) {
      server.close()
      // What is being answered is: the page that says so is on its way.
      server.closeIdleConnections()
    }
  }

  #await(provider: URL, withinMs: number): Promise<string> {
    this.#provider = provider
    this.#timer = setTimeout(
      () => this.#came.reject(new GuardError('unlock-cancelled', 'nobody logged in in time')),
      withinMs,
    )
    return this.#came.promise
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const target = URL.parse(request.url ?? '/', this.#address.href)
    if (request.method !== 'GET' || target === null || !this.#isNamed(request))
      return say(response, 404, page.nothingHere)
    if (target.pathname === `/${this.#secret}`) return this.#begin(response)
    if (target.pathname === this.#address.pathname && target.searchParams.has('state'))
      return this.#end(request, response, target)
    say(response, 404, page.nothingHere)
  }

  /** A page of somebody else's whose name leads here has no business with it. */
  #isNamed({ headers }: IncomingMessage): boolean {
    return headers.host === this.#address.host
  }

  /** Taken up twice means that somebody else has been faster: better none than both. */
  #begin(response: ServerResponse): void {
    if (this.#provider === undefined) return say(response, 404, page.nothingHere)
    if (this.#isTaken) {
      this.#came.reject(
        new GuardError(
          'provider-refused',
          'the log-in was begun twice: by your browser, and by somebody else',
        ),
      )
      return say(response, 403, page.takenTwice)
    }
    this.#isTaken = true
    response.setHeader('Set-Cookie', `kubeguard=${this.#cookie}; HttpOnly; SameSite=Lax; Path=/`)
    response.setHeader('Location', this.#provider.href)
    say(response, 302, page.onTheWay)
  }

  /** Who comes without the cookie, or with the answer to another question, changes nothing. */
  #end({ headers }: IncomingMessage, response: ServerResponse, target: URL): void {
    const cookies = (headers.cookie ?? '').split('; ')
    const expected = this.#provider?.searchParams.get('state')
    if (!cookies.includes(`kubeguard=${this.#cookie}`) || target.searchParams.get('state') !== expected)
      return say(response, 403, page.notThisLogIn)
    say(response, 200, target.searchParams.has('error') ? page.refused : page.done)
    const { origin, pathname } = this.#address
    this.#came.resolve(`${origin}${pathname}${target.search}`)
  }
}

function say(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "default-src 'none'",
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Connection': 'close',
  })
  response.end(body)
}
