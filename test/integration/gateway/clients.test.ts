import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startPlayground } from '../../../src/playground/playground.ts'
import type { Playground } from '../../../src/playground/playground.ts'
import { until } from '../../fixtures/terminal.ts'
import { allKubectls, helm } from '../../fixtures/tools.ts'
import { GatewayRig } from './gateway-rig.ts'

let playground: Playground

beforeAll(async () => {
  playground = await startPlayground({ logIntervalMs: 50 })
})
afterAll(() => playground.close())

const byToken = (): Promise<GatewayRig> =>
  GatewayRig.start({ id: 'prod.a', token: playground.token, upstreams: [upstream()] })

const upstream = () => ({ slug: 'play', server: playground.url, caPem: playground.caPem })

describe.each(allKubectls())('%s', (kubectl) => {
  test('reads, writes, and is told of what is not there', async () => {
    const rig = await byToken()
    const run = (args: string[], input = '') => rig.start(kubectl, args).finish(input)
    expect(await run(['get', 'pods', '-o', 'name'])).toMatchObject({ code: 0, stderr: '' })
    expect(playground.requests.last?.identity?.by).toBe('token')
    expect((await run(['get', 'pod', 'nope'])).stderr).toBe(
      'Error from server (NotFound): pods "nope" not found\n',
    )
    const map = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: through-gateway}\ndata: {a: b}\n'
    expect((await run(['apply', '-f', '-'], map)).stdout).toBe('configmap/through-gateway created\n')
    expect((await run(['delete', 'configmap', 'through-gateway'])).code).toBe(0)
  })

  test('exec: both outputs, input and its end, the exit code', async () => {
    const rig = await byToken()
    const script = 'echo one; echo two >&2; exit 3'
    const said = await rig.start(kubectl, ['exec', 'web-0', '--', 'sh', '-c', script]).finish()
    expect(said).toMatchObject({ code: 3, stdout: 'one\n' })
    expect(said.stderr).toContain('two\n')
    const bytes = Buffer.alloc(2_500_000, 'kubeguard\0\r\n')
    const cat = rig.start(kubectl, ['exec', '-i', 'web-0', '--', 'cat'])
    expect((await cat.finish(bytes)).code).toBe(0)
    expect(cat.output.equals(bytes)).toBe(true)
  })

  test('a followed log comes as it is written', async () => {
    const rig = await byToken()
    const log = rig.start(kubectl, ['logs', '-f', 'web-0', '--tail=0'])
    await until('lines', () => log.stdout.split('\n').length > 3)
  })

  test('port-forward: many connections, each with its own bytes', async () => {
    const rig = await byToken()
    const forward = rig.start(kubectl, ['port-forward', 'web-0', ':8080'])
    const port = await until('a port', () => /127\.0\.0\.1:(\d+) ->/.exec(forward.stdout)?.[1])
    const bodies = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => {
        const response = await fetch(`http://127.0.0.1:${port}/${at}`, { headers: { connection: 'close' } })
        return response.text()
      }),
    )
    bodies.forEach((body, at) => expect(body).toContain(`/${at}`))
    rig.gateway.end()
    rig.gateway.cut()
    await until('its end', () => forward.stderr.includes('lost connection to pod'))
  })

  test('a lock ends a watch, an exec and a log, and says why where it can', async () => {
    const rig = await byToken()
    const watch = rig.start(kubectl, ['get', 'pods', '-w'])
    const log = rig.start(kubectl, ['logs', '-f', 'web-0'])
    const exec = rig.start(kubectl, ['exec', '-i', 'web-0', '--', 'cat'])
    exec.type('hello\n')
    await until('all three', () => [watch, log, exec].every(({ stdout }) => stdout.includes('\n')))
    rig.gateway.end()
    setTimeout(() => rig.gateway.cut(), 30)
    const codes = await Promise.all([watch.ended, log.ended, exec.ended])
    // kubectl shows what a watch says last, and leaves with 0 whatever it is.
    expect(codes).toEqual([0, 1, 1])
    expect(watch.stdout).toContain(
      'kubeguard: prod is locked, and this was ended; run: kubeguard unlock prod',
    )
    expect(log.stderr).toContain('error')
    expect(exec.stderr).toContain('prod is locked')
    expect(rig.gateway.openExchanges).toBe(0)
  })
})

test('helm lists', async () => {
  const rig = await byToken()
  expect(await rig.start(helm(), ['list', '-A']).finish()).toMatchObject({ code: 0, stderr: '' })
})

test('a client certificate is the gateway’s, not the client’s', async () => {
  const { certPem, keyPem } = playground.clientCertificate()
  const rig = await GatewayRig.start({
    id: 'prod.b',
    clientCertificateData: certPem,
    clientKeyData: keyPem,
    upstreams: [upstream()],
  })
  const said = await rig.start(allKubectls()[0] as string, ['auth', 'whoami', '-o', 'json']).finish()
  expect(said.stdout).toContain('prod-playground')
  expect(playground.requests.last?.identity?.by).toBe('certificate')
})
