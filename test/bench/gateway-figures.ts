import { readFileSync } from 'node:fs'
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { Figure } from './figure.ts'
import { GatewayBench, startServer, Watches } from './gateway-rig.ts'
import type { BenchServer } from './gateway-rig.ts'
import { compare, median } from './measure.ts'

type Ask = () => Promise<void>

/** The gateway beside no gateway, and beside `kubectl proxy`, which does something like it without a lock. */
export async function gatewayFigures(): Promise<Figure[]> {
  const server = await startServer()
  try {
    await using bench = await GatewayBench.open(server)
    return [
      await latency(bench),
      // Before the gateway has seen much: garbage that is waiting to be used again is no watch’s.
      await memory(bench),
      await throughput(bench),
      // Last: it ends the gateway.
      await lock(bench),
    ]
  } finally {
    server.close()
  }
}

/** Before a real API server. @param pod `NAMESPACE/NAME`, which serves `forwardedMegabytes` at /large on port 8080 */
export async function gatewayBeforeCluster(server: BenchServer, pod: string): Promise<Figure[]> {
  await using bench = await GatewayBench.open(server)
  return [await throughput(bench), await forwarded(bench, pod)]
}

export const forwardedMegabytes = 1024

async function forwarded(bench: GatewayBench, pod: string): Promise<Figure> {
  using direct = await bench.forward(pod, 'direct')
  using through = await bench.forward(pod, 'gateway')
  const { a, b, rounds } = await compare(
    () => download(through.port),
    () => download(direct.port),
    { rounds: 3, warmUp: 0 },
  )
  return {
    name: `${forwardedMegabytes} MB by port-forward through the gateway, of the speed without it`,
    value: b / a,
    unit: '×',
    baseline: { name: 'kubectl port-forward', value: (forwardedMegabytes * 1_000) / b, unit: 'MB/s' },
    target: 0.7,
    better: 'at least',
    rounds,
  }
}

async function download(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/large`)
  let bytes = 0
  for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).length
  if (bytes !== forwardedMegabytes * 1024 * 1024) throw new Error(`${bytes} bytes came`)
}

const path = '/api/v1/namespaces/default/pods'

function through({ gateway, headers }: GatewayBench): Ask {
  const agent = new Agent({ keepAlive: true, ca: gateway.caPem })
  return () => ask((answered) => request(`${gateway.url}${path}`, { agent, headers }, answered))
}

function direct({ server }: GatewayBench): Ask {
  const agent = new Agent({ keepAlive: true, ca: server.caPem })
  const headers = { authorization: `Bearer ${server.token}` }
  return () => ask((answered) => request(`${server.address}${path}`, { agent, headers }, answered))
}

function byProxy({ proxyUrl }: GatewayBench): Ask {
  const agent = new PlainAgent({ keepAlive: true })
  return () => ask((answered) => plainRequest(`${proxyUrl}${path}`, { agent }, answered))
}

function ask(
  begin: (answered: (response: IncomingMessage) => void) => ReturnType<typeof request>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const begun = begin((response) => {
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`))
      response.resume().once('end', resolve)
    })
    begun.once('error', reject)
    begun.end()
  })
}

async function latency(bench: GatewayBench): Promise<Figure> {
  const { a, b, rounds } = await compare(through(bench), direct(bench), { rounds: 500, warmUp: 50 })
  return {
    name: 'a request through the gateway, added',
    value: a - b,
    unit: 'ms',
    baseline: { name: 'the same request without it', value: b, unit: 'ms' },
    target: 1.5,
    better: 'at most',
    rounds,
  }
}

const clients = 16
const requestsEach = 150
const throughputRounds = 5

/** By connections that are there, and have been used: clients keep them. */
async function throughput(bench: GatewayBench): Promise<Figure> {
  const perSecond = async (asks: readonly Ask[]): Promise<number> => {
    const startedAt = performance.now()
    await Promise.all(
      asks.map(async (one) => {
        for (let count = 0; count < requestsEach; count += 1) await one()
      }),
    )
    return (clients * requestsEach * 1_000) / (performance.now() - startedAt)
  }
  const gateways = Array.from({ length: clients }, () => through(bench))
  const proxies = Array.from({ length: clients }, () => byProxy(bench))
  const rates = { gateway: [] as number[], proxy: [] as number[] }
  for (let round = 0; round <= throughputRounds; round += 1) {
    // The first warms up both.
    const [gateway, proxy] = [await perSecond(gateways), await perSecond(proxies)]
    if (round > 0) rates.gateway.push(gateway)
    if (round > 0) rates.proxy.push(proxy)
  }
  const proxy = median(rates.proxy)
  return {
    name: `requests/s of ${clients} clients through the gateway, of kubectl proxy’s`,
    value: median(rates.gateway) / proxy,
    unit: '×',
    baseline: { name: 'kubectl proxy, in plain HTTP', value: proxy, unit: '/s' },
    target: 1,
    better: 'at least',
    rounds: rates.proxy.length,
  }
}

async function memory(bench: GatewayBench): Promise<Figure> {
  const before = residentMb(bench.gateway.pid)
  const watches = new Watches()
  await watches.open(bench, 1_000)
  const after = residentMb(bench.gateway.pid)
  watches.close()
  return {
    name: '1,000 idle watches, in the gateway’s memory',
    value: after - before,
    unit: 'MB',
    baseline: { name: 'the gateway before them', value: before, unit: 'MB' },
    target: 60,
    better: 'at most',
    rounds: 1,
  }
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

async function lock(bench: GatewayBench): Promise<Figure> {
  const watches = new Watches()
  await watches.open(bench, 500)
  const ended = watches.ended()
  const startedAt = performance.now()
  bench.endGateway()
  await ended
  const value = performance.now() - startedAt
  const agent = new PlainAgent({ keepAlive: true })
  const begun = Array.from({ length: 500 }, () => proxied(bench, agent))
  const streams = await Promise.all(begun)
  const gone = Promise.all(
    streams.map((response) => new Promise<void>((resolve) => void response.once('close', resolve))),
  )
  const killedAt = performance.now()
  bench.endProxy()
  await gone
  return {
    name: 'a lock, until the last of 500 streams has ended at its client',
    value,
    unit: 'ms',
    baseline: { name: 'kubectl proxy with as many, killed', value: performance.now() - killedAt, unit: 'ms' },
    target: 50,
    better: 'at most',
    rounds: 1,
  }
}

function proxied({ proxyUrl }: GatewayBench, agent: PlainAgent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const begun = plainRequest(`${proxyUrl}/api/v1/pods?watch=true`, { agent }, (response) => {
      response.on('error', () => {})
      response.once('data', () => resolve(response))
    })
    begun.on('error', reject)
    begun.end()
  })
}
