import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Upstream } from '../../../src/domain/upstream.ts'
import { until } from '../../fixtures/terminal.ts'
import { startTlsServer } from '../../fixtures/tls-server.ts'
import { pass } from './gateway-rig.ts'

import { drained, ok, Wire } from './wire.ts'

describe('what goes through', () => {
  test('path, query and headers as they were; the credential is the gateway’s, and so is the connection', async () => {
    const wire = await Wire.open(ok)
    const headers = {
      'accept': 'a/b',
      'x-two': ['1', '2'],
      'connection': 'authorization, x-hop',
      'x-hop': '1',
    }
    const more = {
      'x-remote-user': 'root',
      'x-forwarded-for': '1.2.3.4',
      'cookie': 'a=b',
      'origin': 'https://x',
    }
    expect(await wire.ask('/a%2Fb/c?x=%20y&z', { headers: { ...headers, ...more } })).toMatchObject({
      code: 200,
    })
    const [{ url, rawHeaders }] = wire.seen as [IncomingMessage]
    expect(url).toBe('/a%2Fb/c?x=%20y&z')
    const named = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [`${name.toLowerCase()}: ${rawHeaders[at + 1]}`] : [],
    )
    expect(named.filter((line) => !line.startsWith('host'))).toEqual([
      'accept: a/b',
      'x-two: 1',
      'x-two: 2',
      'authorization: Bearer the-token',
      'connection: keep-alive',
    ])
  })

  test('a server that has a path of its own', async () => {
    const wire = await Wire.open(ok)
    wire.rig.gateway.hold({
      id: 'prod.a',
      token: 't',
      upstreams: [{ slug: 'api', server: `${wire.server.address}/k8s/c-1/`, caPem: wire.server.caPem }],
    })
    await wire.ask('/api/v1?x=1')
    expect(wire.seen[0]?.url).toBe('/k8s/c-1/api/v1?x=1')
  })

  test('trailers, both ways', async () => {
    const trailers: unknown[] = []
    const wire = await Wire.open((message, response) => {
      message.resume()
      message.once('end', () => {
        trailers.push(message.trailers)
        response.writeHead(200, { trailer: 'x-sum' })
        response.write('body')
        response.addTrailers({ 'x-sum': '42' })
        response.end()
      })
    })
    const begun = wire.begin('/', { method: 'POST', headers: { trailer: 'x-mine', te: 'trailers' } })
    begun.write('half')
    begun.addTrailers({ 'x-mine': '7' })
    begun.end()
    const [response] = (await once(begun, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    expect(response.trailers).toEqual({ 'x-sum': '42' })
    expect(trailers).toEqual([{ 'x-mine': '7' }])
  })

  test('Expect: the API server decides whether the body is sent', async () => {
    const wire = await Wire.open(drained)
    wire.server.server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
      if (message.url === '/no') return void response.writeHead(413).end('too much')
      response.writeContinue()
      drained(message, response)
    })
    const send = async (path: string): Promise<[string, number | undefined]> => {
      const begun = wire.begin(path, { method: 'POST', headers: { expect: '100-continue' } })
      begun.flushHeaders()
      const first = await Promise.race([
        once(begun, 'continue').then(() => 'continue'),
        once(begun, 'response').then(([response]) => String((response as IncomingMessage).statusCode)),
      ])
      if (first !== 'continue') return [first, undefined]
      begun.end('body')
      const [response] = (await once(begun, 'response')) as [IncomingMessage]
      return [first, response.statusCode]
    }
    expect(await send('/yes')).toEqual(['continue', 200])
    expect(await send('/no')).toEqual(['413', undefined])
  })

  test('a slow reader holds up the API server, and a slow API server the client', async () => {
    let sent = 0
    const chunk = Buffer.alloc(64 * 1024)
    const wire = await Wire.open((message, response) => {
      // Reads nothing of what is sent to it.
      if (message.method === 'POST') return
      const pour = (): void => {
        do sent += chunk.length
        while (response.write(chunk))
        response.once('drain', pour)
      }
      pour()
    })
    const reader = wire.begin('/')
    reader.end()
    const [response] = (await once(reader, 'response')) as [IncomingMessage]
    response.pause()
    const writer = wire.begin('/', { method: 'POST' })
    let written = 0
    const push = (): void => {
      do written += chunk.length
      while (writer.write(chunk))
    }
    writer.on('drain', push)
    push()
    // Far more than all buffers on the way hold would have gone by now, were nobody held up.
    const most = 64_000_000
    let [before, stillSince] = [0, performance.now()]
    await until('both stand still', () => {
      if (sent + written !== before) [before, stillSince] = [sent + written, performance.now()]
      return Math.max(sent, written) > most || performance.now() - stillSince > 500
    })
    expect(Math.max(sent, written)).toBeLessThan(most)
    reader.destroy()
    writer.destroy()
  })

  test('an answer that breaks off never looks whole', async () => {
    const wire = await Wire.open((_, response) => {
      response.write('half')
      setTimeout(() => response.destroy(), 20)
    })
    await expect(wire.ask('/')).rejects.toThrow('aborted')
  })

  test('HTTP/2: many requests on one connection, uploads, refusals', async () => {
    const wire = await Wire.open((message, response) => {
      let bytes = 0
      message.on('data', (piece: Buffer) => (bytes += piece.length))
      message.once('end', () => response.end(String(bytes)))
    })
    const session = connectHttp2(`https://127.0.0.1:${wire.rig.port}`, { ca: wire.rig.caPem })
    onTestFinished(() => session.destroy())
    const ask = async (headers: object, body?: Buffer): Promise<[number, string]> => {
      const stream = session.request({ authorization: `Bearer ${pass}`, ...headers })
      stream.end(body)
      const [answered] = (await once(stream, 'response')) as [Record<string, number>]
      let text = ''
      for await (const piece of stream) text += String(piece)
      return [answered[':status'] as number, text]
    }
    const upload = Buffer.alloc(5_000_000, 1)
    const answers = await Promise.all([
      ...Array.from({ length: 30 }, () => ask({ ':path': '/api/a' })),
      ask({ ':path': '/api/b', ':method': 'POST' }, upload),
    ])
    expect(answers.at(-1)).toEqual([200, String(upload.length)])
    expect(answers.slice(0, 30).every(([code]) => code === 200)).toBe(true)
    expect((await ask({ ':path': '/api/a', 'authorization': 'Bearer no' }))[0]).toBe(401)
    expect((await ask({ ':path': '/api/a', ':authority': 'evil.example' }))[0]).toBe(400)
    expect((await ask({ ':path': '/api/a', 'impersonate-user': 'root' }))[0]).toBe(403)
  })
})

describe('to whom', () => {
  test('a proxy is asked to connect, and nothing goes past it', async () => {
    const wire = await Wire.open(ok)
    const asked: string[] = []
    const proxy = createServer().on('connect', (message: IncomingMessage, socket: Socket) => {
      asked.push(message.url as string)
      const far = connectTcp(Number(new URL(wire.server.address).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 ok\r\n\r\n')
        far.pipe(socket).pipe(far)
      })
      for (const side of [far, socket]) side.on('error', () => side.destroy())
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    onTestFinished(() => void proxy.close())
    const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    wire.rig.gateway.hold({
      id: 'prod.a',
      token: 't',
      upstreams: [{ slug: 'api', server: wire.server.address, caPem: wire.server.caPem, proxyUrl }],
    })
    expect((await wire.ask('/')).code).toBe(200)
    expect(asked).toEqual([`localhost:${new URL(wire.server.address).port}`])
  })

  test('an API server that is not who the kubeconfig says gets no request', async () => {
    const elsewhere = await startTlsServer()
    onTestFinished(() => elsewhere.close())
    const wire = await Wire.open(ok)
    const { port } = new URL(wire.server.address)
    const with_ = (upstream: Partial<Upstream>): void =>
      wire.rig.gateway.hold({
        id: 'prod.a',
        token: 't',
        upstreams: [{ slug: 'api', server: wire.server.address, caPem: wire.server.caPem, ...upstream }],
      })
    const code = async (): Promise<number | undefined> => (await wire.ask('/')).code
    with_({ caPem: elsewhere.caPem })
    expect(await code()).toBe(503)
    with_({ tlsServerName: 'other.example' })
    expect(await code()).toBe(503)
    with_({ server: `https://127.0.0.2:${port}` })
    expect(await code()).toBe(503)
    with_({ server: 'https://localhost:1' })
    expect(await code()).toBe(503)
    expect(wire.seen).toEqual([])
    with_({ caPem: elsewhere.caPem, skipsVerify: true })
    expect(await code()).toBe(200)
    with_({ server: `https://127.0.0.1:${port}`, tlsServerName: 'localhost' })
    expect(await code()).toBe(200)
  })
})

test('a lock ends all that is under way at once; who has no answer yet is told', async () => {
  const wire = await Wire.open((message, response) => {
    if (message.url === '/waits') return
    response.write('{"a":1}\n')
  })
  const streams = Array.from({ length: 40 }, () => wire.begin('/pods?watch=true'))
  const waiting = wire.begin('/waits', { method: 'DELETE' })
  const ends = streams.map(async (begun) => {
    begun.end()
    const [response] = (await once(begun, 'response')) as [IncomingMessage]
    response.on('error', () => {})
    response.resume()
    await new Promise((resolve) => response.once('close', resolve))
  })
  waiting.end()
  await until('all', () => wire.seen.length === 41)
  const told = once(waiting, 'response') as Promise<[IncomingMessage]>
  wire.rig.gateway.end()
  setTimeout(() => wire.rig.gateway.cut(), 30)
  const [answered] = await told
  expect(answered.statusCode).toBe(401)
  await Promise.all(ends)
  expect(wire.rig.gateway.openExchanges).toBe(0)
})
