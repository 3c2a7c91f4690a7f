import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { parse } from 'yaml'
import { cluster } from './fixture.ts'

const config = parse(readFileSync(cluster.kubeconfig, 'utf8')) as {
  clusters: { cluster: { 'server': string; 'certificate-authority-data': string } }[]
}
const { server = '', 'certificate-authority-data': ca = '' } = config.clusters[0]?.cluster ?? {}

/** Where the API server itself listens. */
export const address = new URL(server)

/** What the API server answers to whoever has only this token. @returns the status */
export async function statusFor(token: string, path: string, method = 'GET', body?: object): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const headers = { 'Authorization': `Bearer ${token}`, 'Content-Type': 'application/json' }
  const sent = request(`${server}${path}`, { method, ca: Buffer.from(ca, 'base64'), headers }, (reply) => {
    reply.resume()
    reply.on('end', () => resolve(reply.statusCode ?? 0))
  })
  sent.on('error', reject)
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  return promise
}
