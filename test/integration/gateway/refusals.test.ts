import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { passDigest } from '../../../src/platform/gateways/pass-digest.ts'
import { pass, self } from './gateway-rig.ts'

import { drained, ok, Wire } from './wire.ts'

describe('who gets nothing', () => {
  test('no pass, a false one, one that has ended, one of another process, one for another cluster', async () => {
    const wire = await Wire.open(ok)
    const code = async (authorization: string, path = '/'): Promise<unknown> => {
      return (await wire.ask(path, { headers: { authorization } })).code
    }
    const { gateway } = wire.rig
    const me = self()
    gateway.admit(passDigest('ended'), {
      credential: 'prod.a',
      program: 'tests',
      client: me,
      untilWallMs: Date.now() - 60_000,
    })
    gateway.admit(passDigest('other'), {
      credential: 'prod.a',
      program: 'tests',
      client: { pid: process.ppid, startTicks: 1 },
      untilWallMs: Date.now() + 60_000,
    })
    gateway.admit(passDigest('nothing'), {
      credential: 'prod.b',
      program: 'tests',
      client: me,
      untilWallMs: Date.now() + 60_000,
    })
    expect(await code('Bearer the-token')).toBe(401)
    expect(await code(`Basic ${pass}`)).toBe(401)
    expect(await code('Bearer ended')).toBe(401)
    expect(await code('Bearer other')).toBe(401)
    expect(await code('Bearer nothing')).toBe(404)
    expect(await code('')).toBe(401)
    expect(await code(`Bearer ${pass}`, '/../')).toBe(400)
    expect(wire.seen).toEqual([])
    expect(await code(`Bearer ${pass}`)).toBe(200)
  })

  test('a name that a resolver turned into 127.0.0.1, and a TLS client that means somebody else', async () => {
    const wire = await Wire.open(ok)
    const { code, text } = await wire.ask('/', { headers: { host: `evil.example:${wire.rig.port}` } })
    expect([code, JSON.parse(text)]).toMatchObject([400, { kind: 'Status', reason: 'BadRequest' }])
    const named = wire.begin('/', { servername: 'evil.example', rejectUnauthorized: false })
    named.end()
    const [error] = (await once(named, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNRESET')
    expect(wire.seen).toEqual([])
  })

  test('a client whose socket speaks IPv6, too, is known all the same', async () => {
    const wire = await Wire.open(ok)
    const host = `127.0.0.1:${wire.rig.port}`
    const found = await wire.ask('/', {
      host: '::ffff:127.0.0.1',
      headers: { host },
      checkServerIdentity: () => undefined,
    })
    expect(found.code).toBe(200)
  })

  test('whoever impersonates is told so, and not served as somebody else', async () => {
    const wire = await Wire.open(ok)
    for (const name of [
      'Impersonate-User',
      'impersonate-group',
      'IMPERSONATE-EXTRA-scopes',
      'Impersonate-Uid',
    ]) {
      const { code, text } = await wire.ask('/', { headers: { [name]: 'root' } })
      expect([code, JSON.parse(text).message]).toEqual([
        403,
        'kubeguard: policy prod lets nobody impersonate (--as); it could, by: impersonate: allow',
      ])
    }
    expect(wire.seen).toEqual([])
  })

  test('where the policy lets them they arrive as they were asked for, and what it denies is denied still', async () => {
    const deny = [{ verbs: ['delete'], resources: ['namespaces'] }]
    const wire = await Wire.open(ok, { deny, impersonate: 'allow' })
    const headers = { 'Impersonate-User': 'viewer', 'impersonate-extra-scopes': ['a', 'b'] }
    expect((await wire.ask('/', { headers })).code).toBe(200)
    expect(wire.seen[0]?.headersDistinct).toMatchObject({
      'impersonate-user': ['viewer'],
      'impersonate-extra-scopes': ['a', 'b'],
      'authorization': ['Bearer the-token'],
    })
    expect((await wire.ask('/api/v1/namespaces/prod', { method: 'DELETE', headers })).code).toBe(403)
    expect(wire.seen).toHaveLength(1)
  })

  test('what the policy denies, however it is asked for; and what would be a tunnel for anything', async () => {
    const deny = [
      { verbs: ['delete'], resources: ['namespaces'] },
      { verbs: ['*'], resources: ['pods/exec'], namespaces: ['kube-*'] },
    ]
    const wire = await Wire.open(ok, { deny })
    const { code, text } = await wire.ask('/api/v1/namespaces/prod', { method: 'DELETE' })
    expect([code, JSON.parse(text)]).toMatchObject([
      403,
      {
        reason: 'Forbidden',
        message: 'kubeguard: policy prod denies this (delete namespaces); see: kubeguard policy show',
      },
    ])
    expect((await wire.ask('/api//v1/pods')).code).toBe(403)
    const upgrade = (path: string, protocol: string, more = ''): Promise<string> =>
      wire.raw(
        `POST /api${path} HTTP/1.1\r\nHost: 127.0.0.1:${wire.rig.port}\r\nAuthorization: Bearer ${pass}\r\n` +
          `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n${more}\r\n`,
      )
    const exec = '/api/v1/namespaces/kube-system/pods/x/exec?command=sh'
    expect(await upgrade(exec, 'SPDY/3.1')).toMatch(/^HTTP\/1\.1 403 [\s\S]*denies this/)
    expect(await upgrade('/', 'h2c')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await upgrade('/', 'websocket', 'Content-Length: 5\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(wire.seen).toEqual([])
    // Refused, and noted, by whom.
    const refused = wire.rig.records.filter(({ code }) => code === 400)
    expect(refused).toMatchObject([{ pid: process.pid }, { pid: process.pid }])
    expect((await wire.ask('/api/v1/namespaces/prod')).code).toBe(200)
  })

  test('requests that two servers would read in two ways', async () => {
    const wire = await Wire.open(drained)
    const host = `Host: 127.0.0.1:${wire.rig.port}\r\nAuthorization: Bearer ${pass}\r\n`
    const smuggled = `0\r\n\r\nGET /api/smuggled HTTP/1.1\r\n${host}\r\n`
    const attacks = [
      `POST /api/a HTTP/1.1\r\n${host}Content-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled}`,
      `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${smuggled}`,
      `POST /api/a HTTP/1.1\r\n${host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`,
      `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n${smuggled}`,
      `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding : chunked\r\n\r\n${smuggled}`,
      `POST /api/a HTTP/1.1\r\n${host}Content-Length: +4\r\n\r\nabcd`,
      `GET https://evil.example/api/a HTTP/1.1\r\n${host}\r\n`,
      `GET /api/../other/a HTTP/1.1\r\n${host}\r\n`,
      `GET /api/x/%2e%2E/a HTTP/1.1\r\n${host}\r\n`,
      `GET /api/x%2f..%2fa HTTP/1.1\r\n${host}\r\n`,
      `GET //api/a HTTP/1.1\r\n${host}\r\n`,
      `CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n`,
      `GET /api/a HTTP/1.1\r\n${host}X-Long: ${'a'.repeat(70_000)}\r\n\r\n`,
      `GET /api/a HTTP/1.1\r\n${host}X: a\rInjected: b\r\n\r\n`,
      `GET /api/a HTTP/0.9\r\n\r\n`,
    ]
    for (const attack of attacks) {
      const said = await wire.raw(attack.replace('HTTP/1.1\r\n', 'HTTP/1.1\r\nConnection: close\r\n'))
      expect([attack, said]).toEqual([attack, expect.stringMatching(/^(?:HTTP\/1\.1 4|$)/)])
    }
    expect(wire.seen.map(({ url }) => url)).toEqual([])
  }, 60_000)
})
