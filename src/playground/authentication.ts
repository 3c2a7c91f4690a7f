import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'

/** Who a request comes from, and by which kind of credential that was proven. */
export interface Identity {
  readonly user: string
  readonly groups: readonly string[]
  readonly by: 'token' | 'certificate'
}

interface TokenEntry {
  readonly user: string
  readonly expiresAtMs: number
}

/** The bearer tokens that the playground takes now. Only their hashes are kept. */
export class TokenRegistry {
  readonly #entries = new Map<string, TokenEntry>()
  readonly #others: (token: string) => string | undefined

  /** @param others whose a token is that was not issued here */
  constructor(others: (token: string) => string | undefined = () => undefined) {
    this.#others = others
  }

  /** @returns a new token for a user, good for `lifetimeMs` (for ever unless given). */
  issue(user: string, lifetimeMs = Number.POSITIVE_INFINITY): string {
    const token = `playground.${randomBytes(24).toString('base64url')}`
    this.add(token, user, lifetimeMs)
    return token
  }

  add(token: string, user: string, lifetimeMs = Number.POSITIVE_INFINITY): void {
    this.#entries.set(hash(token), { user, expiresAtMs: Date.now() + lifetimeMs })
  }

  /** @returns whether the token was good until now. */
  revoke(token: string): boolean {
    return this.#entries.delete(hash(token))
  }

  userOf(token: string): string | undefined {
    const entry = this.#entries.get(hash(token))
    if (entry === undefined) return this.#others(token)
    return Date.now() < entry.expiresAtMs ? entry.user : undefined
  }
}

/** @returns who sent a request, by its client certificate or else its bearer token, or undefined for nobody. */
export function authenticate(message: IncomingMessage, tokens: TokenRegistry): Identity | undefined {
  return certificateIdentity(message.socket as TLSSocket) ?? tokenIdentity(message, tokens)
}

function certificateIdentity(socket: TLSSocket): Identity | undefined {
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  // Node gives a list where a certificate names several, which its types leave out.
  const name = subject?.CN as string | string[] | undefined
  const user = Array.isArray(name) ? name[0] : name
  if (user === undefined) return undefined
  const groups = [(subject.O as string | string[] | undefined) ?? []].flat()
  return { user, groups: [...groups, 'system:authenticated'], by: 'certificate' }
}

function tokenIdentity(message: IncomingMessage, tokens: TokenRegistry): Identity | undefined {
  const token = /^Bearer +(\S+)$/i.exec(message.headers.authorization ?? '')?.[1]
  const user = token === undefined ? undefined : tokens.userOf(token)
  return user === undefined ? undefined : { user, groups: ['system:authenticated'], by: 'token' }
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64')
}
