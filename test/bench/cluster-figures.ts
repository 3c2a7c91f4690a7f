import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { ApiServer } from '../fixtures/api-server.ts'
import { copiedToken } from '../fixtures/copied-token.ts'
import { good, makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import { runProgram } from '../fixtures/run-program.ts'
import { until } from '../fixtures/terminal.ts'
import { kubectl } from '../fixtures/tools.ts'
import { Way } from '../fixtures/way.ts'
import { pidsOf } from '../bypass/siege.ts'
import type { Bench } from './bench-home.ts'
import type { ClientProcess } from './client-process.ts'
import type { Figure } from './figure.ts'
import { forwardedMegabytes, gatewayBeforeCluster } from './gateway-figures.ts'
import { compare, median } from './measure.ts'

/** A cluster that may be worked on; without one these figures are not taken. */
export const benchCluster = process.env['KUBEGUARD_TEST_KUBECONFIG']

/** One with busybox in it (CONTRIBUTING.md). */
const podImage = process.env['KUBEGUARD_TEST_IMAGE'] ?? 'busybox:1.37'

interface Place {
  /** `credential: ephemeral`; unlocked. */
  readonly home: TestHome
  /** The same vault, and what is in it is what clients get. */
  readonly plain: TestHome
  readonly api: ApiServer
  /** By which `home` reaches it. */
  readonly way: Way
  closeWay(): void
  readonly sessions: string
  /** A token that does not end with any session. */
  readonly staticKubeconfig: string
}

type Measure = (place: Place, clients: ClientProcess) => Promise<Figure | Figure[]>

/** In a place of its own, which is taken away again. */
const inCluster =
  (measure: Measure) =>
  async (_: Bench, clients: ClientProcess): Promise<Figure | Figure[]> => {
    const place = await prepare(benchCluster ?? '')
    try {
      return await measure(place, clients)
    } finally {
      await place.home.dispose()
      await place.plain.dispose()
      place.closeWay()
      await admin('delete', 'namespace', place.sessions, '--wait=false')
      await admin('delete', 'clusterrolebinding', place.sessions)
    }
  }

async function admin(...args: readonly string[]): Promise<string> {
  // Without a home kubectl would keep its cache in the folder that it is run in.
  const env = { KUBECONFIG: benchCluster, KUBECACHEDIR: '/dev/null' }
  return good(await runProgram(kubectl(), args, { env })).stdout
}

async function prepare(kubeconfig: string): Promise<Place> {
  const sessions = `kg-bench-${randomBytes(4).toString('hex')}`
  await admin('create', 'namespace', sessions)
  await admin('create', 'serviceaccount', 'static', '-n', sessions)
  await admin(
    'create',
    'clusterrolebinding',
    sessions,
    '--clusterrole=view',
    `--serviceaccount=${sessions}:static`,
  )
  const token = (await admin('create', 'token', 'static', '-n', sessions, '--duration=1h')).trim()
  const text = readFileSync(kubeconfig, 'utf8')
  const api = new ApiServer(kubeconfig)
  let closeWay = (): void => {}
  const way = await Way.open(api.address, (close) => (closeWay = close))
  const [home, plain] = [makeHome(), makeHome()]
  const ephemeral = `    credential: ephemeral\n    ephemeral: { roles: [view], home: ${sessions} }\n`
  for (const [each, more] of [
    [home, ephemeral],
    [plain, ''],
  ] as const) {
    const server = each === home ? way.server : api.address.origin
    writeFileSync(each.kubeconfig, text.replaceAll(api.address.origin, server), { mode: 0o600 })
    writePolicy(each, { idle: '10m', more })
    await each.init()
    await each.unlock('default')
  }
  const staticKubeconfig = join(home.root, 'static-kubeconfig')
  const config = parse(text) as { users: { user: object }[] }
  for (const user of config.users) user.user = { token }
  writeFileSync(staticKubeconfig, stringify(config))
  return { home, plain, api, way, closeWay, sessions, staticKubeconfig }
}

/** What a session in a real cluster costs. */
export const clusterUnlockFigure = inCluster(unlockFigure)
export const clusterPodsFigure = inCluster(getPodsFigure)
/** How soon its token is worth nothing. */
export const clusterRefusalFigures = inCluster(refusalFigures)
export const clusterLeftoverFigure = inCluster(leftoverFigure)

async function unlockFigure({ home, plain }: Place): Promise<Figure> {
  const unlock = async (one: TestHome): Promise<number> => {
    await one.lock()
    const startedAt = performance.now()
    await one.unlock('default')
    return performance.now() - startedAt
  }
  const { a, b, rounds } = await compare(
    () => unlock(home),
    () => unlock(plain),
    { rounds: 15, warmUp: 1 },
  )
  return {
    name: 'unlock of a session in a cluster, beside the vault’s own',
    value: a - b,
    unit: 'ms more',
    baseline: { name: 'unlock of the same vault', value: b, unit: 'ms' },
    target: 500,
    better: 'at most',
    rounds,
  }
}

async function getPodsFigure({ home, staticKubeconfig }: Place, clients: ClientProcess): Promise<Figure> {
  const args = ['get', 'pods', '-n', 'default']
  const { a, b, rounds } = await compare(
    () => clients.time({ file: join(home.shims, 'kubectl'), args, env: home.env }),
    () => clients.time({ file: kubectl(), args, env: { ...home.env, KUBECONFIG: staticKubeconfig } }),
    { rounds: 60, warmUp: 5 },
  )
  return {
    name: 'kubectl get pods of a real cluster, by a session’s token',
    value: a / b,
    unit: '×',
    baseline: { name: 'same kubectl, static token', value: b, unit: 'ms' },
    target: 1.08,
    better: 'at most',
    rounds,
  }
}

/** What a gateway in front of a real API server lets through. */
export const clusterGatewayFigures = inCluster(async ({ api, staticKubeconfig, sessions }) => {
  const config = parse(readFileSync(staticKubeconfig, 'utf8')) as { users: { user: { token: string } }[] }
  const token = config.users[0]?.user.token ?? ''
  const server = { address: api.address.origin, caPem: api.caPem, token }
  await startLargePod(sessions)
  const figures = await gatewayBeforeCluster(server, `${sessions}/large`)
  return figures.map((figure) => ({ ...figure, name: `${figure.name}, in a cluster` }))
})

/** Who may see may not forward a port; the pod serves a file of nothing. */
async function startLargePod(namespace: string): Promise<void> {
  const serve = `mkdir -p /tmp/www && truncate -s ${forwardedMegabytes * 1024 * 1024} /tmp/www/large && httpd -f -p 8080 -h /tmp/www`
  const rights = ['--verb=get,create', '--resource=pods,pods/portforward', '-n', namespace]
  await admin('create', 'role', 'forwards', ...rights)
  const subject = `--serviceaccount=${namespace}:static`
  await admin('create', 'rolebinding', 'forwards', '--role=forwards', subject, '-n', namespace)
  const run = [
    '--restart=Never',
    '--image-pull-policy=IfNotPresent',
    '--command',
    '--',
    '/bin/sh',
    '-c',
    serve,
  ]
  await admin('run', 'large', '-n', namespace, `--image=${podImage}`, ...run)
  await admin('wait', '-n', namespace, 'pod/large', '--for=condition=Ready', '--timeout=60s')
}

const refusalRounds = 20
/** Each waits for the API server's cache of ten seconds to end. */
const forgottenRounds = 3

/** From the lock's answer to the first refusal of a token that was in use. */
async function refusalFigures({ home, api }: Place): Promise<Figure[]> {
  const times = { 403: [] as number[], 401: [] as number[] }
  const locks: number[] = []
  for (let round = 0; round < refusalRounds; round += 1) {
    await home.unlock('default')
    const token = await copiedToken({ home })
    const status = (): Promise<number> => api.statusFor(token, '/api/v1/namespaces/default/pods')
    await until('a session that works', async () => (await status()) === 200)
    const lockedAt = performance.now()
    await home.lock()
    const startedAt = performance.now()
    locks.push(startedAt - lockedAt)
    const refused = async (wanted: number): Promise<number> => {
      await until(`the status ${wanted}`, async () => (await status()) === wanted, { withinMs: 30_000 })
      return performance.now() - startedAt
    }
    times[403].push(await refused(403))
    if (round < forgottenRounds) times[401].push(await refused(401))
  }
  const figure = (status: 401 | 403, targetMs: number): Figure => ({
    name: `a copied token refused with ${status} after the lock’s answer, 95 %`,
    value: percentile95(times[status]),
    unit: 'ms',
    baseline: { name: 'the lock itself', value: median(locks), unit: 'ms' },
    target: targetMs,
    better: 'at most',
    rounds: times[status].length,
  })
  return [figure(403, 250), figure(401, 11_000)]
}

const percentile95 = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * 0.95) - 1] ?? 0

const cycles = 100

/**
 * A third is locked. A third is cut by SIGKILL of the keeper, and every other one of its revoker, too. A third loses the
 * way to the API server before the lock, and has it back after.
 */
async function cut({ home, way }: Place, cycle: number): Promise<void> {
  if (cycle % 3 === 1) {
    // What these leave is the next unlock's.
    const kinds = cycle % 2 === 0 ? (['keeper'] as const) : (['revoker', 'keeper'] as const)
    for (const pid of kinds.flatMap((kind) => pidsOf({ home }, kind))) process.kill(pid, 'SIGKILL')
  }
  if (cycle % 3 === 2) way.close()
  await home.lock()
  way.reopen()
}

async function leftoverFigure(place: Place): Promise<Figure> {
  const { home, sessions } = place
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    await home.unlock('default')
    await cut(place, cycle)
  }
  // The last one's, too.
  await home.unlock('default')
  await home.lock()
  const left = async (): Promise<number> => {
    const kinds = 'serviceaccounts,secrets,roles,rolebindings'
    const names = await Promise.all([
      admin('get', kinds, '-n', sessions, '-l', 'kubeguard.dev/session', '-o', 'name'),
      admin('get', 'clusterroles,clusterrolebindings', '-l', 'kubeguard.dev/session', '-o', 'name'),
    ])
    return names.join('\n').split('\n').filter(Boolean).length
  }
  await until('nothing left', async () => (await left()) === 0, { withinMs: 60_000 }).catch(() => undefined)
  return {
    name: `objects left by ${cycles} sessions, a third each locked, killed, and cut off`,
    value: await left(),
    unit: '',
    baseline: { name: 'before them', value: 0, unit: '' },
    target: 0,
    better: 'at most',
    rounds: cycles,
  }
}
