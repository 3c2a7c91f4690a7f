import { Agent, request } from 'node:https'
import { getCACertificates } from 'node:tls'
import type { AnonymousAnswer } from '../../cluster-check/cluster.ts'

/** `clusters[].cluster` of a kubeconfig: where the API server is, and whom to believe that. No credential. */
export interface Server {
  readonly 'server'?: string
  readonly 'certificate-authority-data'?: string
  readonly 'insecure-skip-tls-verify'?: boolean
  readonly 'tls-server-name'?: string
  readonly 'proxy-url'?: string
}

const patienceMs = 15_000

/**
 * GET without any credential. kubectl can’t do that: it shows what its kubeconfig holds.
 *
 * @throws Error where nobody answers, or the server is not the one that the kubeconfig names
 */
export function askAnonymously(server: Server, path: string): Promise<AnonymousAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AnonymousAnswer>()
  const url = new URL(`${(server.server ?? '').replace(/\/$/, '')}${path}`)
  if (url.protocol !== 'https:') throw new Error('it is no https server')
  const asking = request(url, {
    agent: new Agent({ keepAlive: false, proxyEnv: proxyFor(server) }),
    ca: authorities(server),
    rejectUnauthorized: server['insecure-skip-tls-verify'] !== true,
    ...(server['tls-server-name'] !== undefined && { servername: server['tls-server-name'] }),
    timeout: patienceMs,
  })
  asking.on('response', (response) => {
    response.destroy()
    resolve({ status: response.statusCode ?? 0 })
  })
  asking.on('timeout', () => asking.destroy(new Error('it does not answer')))
  asking.on('error', reject)
  asking.end()
  return promise
}

/** As kubectl: those of the kubeconfig alone, or else the machine’s. */
function authorities(server: Server): string | string[] {
  const own = server['certificate-authority-data']
  return own === undefined ? getCACertificates('system') : Buffer.from(own, 'base64').toString()
}

/** As kubectl: the kubeconfig’s, else the environment’s. */
function proxyFor({ 'proxy-url': proxy }: Server): NodeJS.ProcessEnv {
  if (proxy === undefined) return process.env
  if (!/^https?:/.test(proxy)) throw new Error('the kubeconfig names a proxy that is not spoken to here')
  return { HTTPS_PROXY: proxy }
}
