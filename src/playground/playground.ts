import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createApiServer } from './api-server.ts'
import { TokenRegistry } from './authentication.ts'
import { createAuthority } from './certificates.ts'
import type { CertifiedKey } from './certificates.ts'
import { kubeconfigText } from './kubeconfig.ts'
import { ObjectStore } from './object-store.ts'
import { RequestLog } from './request-log.ts'
import { seed } from './seed.ts'

export interface PlaygroundOptions {
  /** 0 or none: any free port. */
  readonly port?: number
  /** Tokens to take beside `token`, all for the user `playground`. */
  readonly tokens?: readonly string[]
  /** Whose a token of an identity provider is; undefined for one that is not good. */
  readonly identityOf?: (token: string) => string | undefined
  /** How long `token` and `tokens` are good for; for ever unless given. */
  readonly tokenLifetimeMs?: number
  /** How often a followed log gets a line; a second unless given. */
  readonly logIntervalMs?: number
}

/** A running playground: an API server on loopback, and all that a client needs to use it. */
export interface Playground {
  readonly url: string
  readonly port: number
  readonly caPem: string
  /** The static token of the user `playground`. */
  readonly token: string
  readonly requests: RequestLog
  /** How many client connections are open now, streams included. */
  readonly connections: number
  /** The certificate of the user `prod-playground`, in the group `operators`. */
  clientCertificate(): CertifiedKey
  /** @returns another token, which `revokeToken` can end. */
  issueToken(user?: string, lifetimeMs?: number): string
  /** @returns whether the token was good until now. */
  revokeToken(token: string): boolean
  /** @returns a kubeconfig with the contexts `playground` (token) and `prod-playground` (certificate). */
  kubeconfig(): string
  /** Cuts every connection, streams included, and stops listening. */
  close(): Promise<void>
}

/**
 * Starts a mini Kubernetes API server on 127.0.0.1 with its own certificate authority and seeded objects.
 * @throws where the port can't be listened on.
 */
export async function startPlayground(options: PlaygroundOptions = {}): Promise<Playground> {
  const authority = await createAuthority()
  const certificate = await authority.clientCertificate('prod-playground', ['operators'])
  const tokens = new TokenRegistry(options.identityOf)
  const token = tokens.issue('playground', options.tokenLifetimeMs)
  for (const more of options.tokens ?? []) tokens.add(more, 'playground', options.tokenLifetimeMs)
  const store = new ObjectStore()
  seed(store)
  const requests = new RequestLog()
  const { caPem } = authority
  const server = createApiServer({
    certificate: await authority.serverCertificate(),
    caPem,
    tokens,
    store,
    requests,
    logIntervalMs: options.logIntervalMs ?? 1000,
  })
  const sockets = trackSockets(server)
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `https://127.0.0.1:${port}`
  return {
    url,
    port,
    caPem,
    token,
    requests,
    get connections() {
      return sockets.size
    },
    clientCertificate: () => certificate,
    issueToken: (user = 'playground', lifetimeMs) => tokens.issue(user, lifetimeMs),
    revokeToken: (known) => tokens.revoke(known),
    kubeconfig: () => kubeconfigText({ url, caPem, token, certificate }),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Upgraded connections are no longer the server's: `closeAllConnections` would miss them. */
function trackSockets(server: ReturnType<typeof createApiServer>): ReadonlySet<{ destroy(): void }> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}
