import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startPlayground } from '../../../src/playground/playground.ts'
import type { Playground } from '../../../src/playground/playground.ts'
import { allKubectls } from '../../fixtures/tools.ts'
import { ClientHome } from './client-home.ts'
import type { Result } from './client-home.ts'

let playground: Playground
let home: ClientHome

beforeEach(async () => {
  playground = await startPlayground({ tokens: ['given-token'] })
  home = new ClientHome(playground.kubeconfig())
})
afterEach(async () => {
  home.close()
  await playground.close()
})

describe.each(allKubectls())('%s', (kubectl) => {
  const run = (...args: string[]): Promise<Result> => home.run(kubectl, args)

  test('a static token and a client certificate prove two users', async () => {
    const byToken = await run('auth', 'whoami', '-o', 'json')
    expect(JSON.parse(byToken.stdout).status.userInfo).toMatchObject({ username: 'playground' })
    expect(playground.requests.last).toMatchObject({
      authorization: `Bearer ${playground.token}`,
      identity: { by: 'token' },
    })
    const byCertificate = await run('--context', 'prod-playground', 'auth', 'whoami', '-o', 'json')
    expect(JSON.parse(byCertificate.stdout).status.userInfo).toMatchObject({
      username: 'prod-playground',
      groups: ['operators', 'system:authenticated'],
    })
    expect(playground.requests.last).toMatchObject({
      authorization: undefined,
      identity: { by: 'certificate' },
    })
  })

  test('a wrong, a revoked, an expired and no credential get 401', async () => {
    const options = [
      'get',
      'pods',
      '--server',
      playground.url,
      '--insecure-skip-tls-verify',
      '--kubeconfig',
      '/dev/null',
    ]
    const withToken = (token: string): Promise<Result> => run(...options, '--token', token)
    expect((await withToken('wrong')).stderr).toContain('You must be logged in to the server')
    expect((await run(...options, '--username', 'x', '--password', 'y')).stderr).toContain(
      'You must be logged in',
    )
    expect((await withToken('given-token')).code).toBe(0)
    playground.revokeToken('given-token')
    expect((await withToken('given-token')).stderr).toContain('You must be logged in to the server')
    const brief = playground.issueToken('brief', 0)
    expect((await withToken(brief)).stderr).toContain('You must be logged in to the server')
  })

  test('streams need a credential too', async () => {
    playground.revokeToken(playground.token)
    const { code, stderr } = await run('exec', 'web-0', '--', 'echo', 'hello')
    expect(code).toBe(1)
    expect(stderr).toContain('You must be logged in to the server')
  })
})

test('an upgrade without a credential is answered 401 as a Status', async () => {
  const path = '/api/v1/namespaces/default/pods/web-0/exec?command=echo'
  const response = await fetchOverTls(playground, path, { connection: 'Upgrade', upgrade: 'websocket' })
  expect(response).toContain('HTTP/1.1 401 Unauthorized')
  expect(response).toContain('"kind":"Status"')
})

test('a certificate of another authority is nobody', async () => {
  const other = await startPlayground()
  const { certPem: cert, keyPem: key } = other.clientCertificate()
  const response = await fetchOverTls(playground, '/api/v1/pods', {}, { cert, key })
  await other.close()
  expect(response).toContain('HTTP/1.1 401 Unauthorized')
})

async function fetchOverTls(
  { port, caPem }: Playground,
  path: string,
  headers: Record<string, string>,
  credential: { cert?: string; key?: string } = {},
): Promise<string> {
  const { connect } = await import('node:tls')
  const socket = connect({ host: '127.0.0.1', port, ca: caPem, ...credential })
  const lines = Object.entries({ host: 'playground', connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}
