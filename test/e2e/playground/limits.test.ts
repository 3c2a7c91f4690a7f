import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPlayground } from '../../../src/playground/playground.ts'
import type { Playground } from '../../../src/playground/playground.ts'

let playground: Playground
const configMaps = '/api/v1/namespaces/default/configmaps'

beforeAll(async () => {
  playground = await startPlayground()
})
afterAll(() => playground.close())

test('listens on loopback only', () => {
  expect(new URL(playground.url).hostname).toBe('127.0.0.1')
})

test('a body over the limit is refused, and the next request answered', async () => {
  expect(await send('POST', configMaps, Buffer.alloc(1024 * 1024 + 1, 'a'))).toMatchObject({ code: 413 })
  expect(await send('GET', configMaps)).toMatchObject({ code: 200 })
})

test.each([
  ['POST', configMaps, '{', 400],
  ['POST', configMaps, '[]', 400],
  ['POST', configMaps, 'k8s\0\xff\xff\xff', 400],
  ['POST', configMaps, 'k8s\0', 415],
  ['POST', configMaps, '{"metadata":{"name":"../up"}}', 422],
  ['POST', configMaps, '{"metadata":{"name":"a","namespace":"shop"}}', 400],
  ['POST', configMaps, '{"kind":"Pod","metadata":{"name":"a"}}', 400],
  ['PUT', configMaps, '{}', 405],
  ['DELETE', configMaps, '', 405],
  ['PATCH', `${configMaps}/web-config`, '{}', 400],
  ['POST', `${configMaps}/web-config`, '{}', 405],
  ['GET', `${configMaps}/%E0%A4%A`, '', 404],
  ['GET', `${configMaps}?labelSelector=a%20b%20c`, '', 400],
  ['GET', `${configMaps}?watch=1&resourceVersion=0&labelSelector=((`, '', 400],
  ['GET', '/api/v1/namespaces/default/pods/web-0/exec', '', 405],
  ['GET', '/api/v1/namespaces/default/nodes', '', 404],
  ['GET', '/apis/apps/v1', '', 404],
  ['GET', '//', '', 404],
  ['OPTIONS', '/api', '', 404],
])('%s %s %j is answered %i', async (method, path, body, code) => {
  const answer = await send(method, path, Buffer.from(body, 'latin1'))
  expect(answer.code).toBe(code)
  expect(JSON.parse(answer.text)).toMatchObject({ kind: 'Status', status: 'Failure', code })
})

test('an old watch is told that its version has expired', async () => {
  for (let round = 0; round < 1001; round += 1) {
    const body = Buffer.from(`{"data":{"round":"${round}"}}`)
    await send('PATCH', `${configMaps}/web-config`, body, { 'content-type': 'application/merge-patch+json' })
  }
  const { text } = await send('GET', `${configMaps}?watch=1&resourceVersion=1&timeoutSeconds=1`)
  expect(JSON.parse(text)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
})

test('bytes that are no HTTP cost no more than their connection', async () => {
  const socket = open()
  socket.end('\x16\x03\x01 this is not HTTP\r\n\r\n')
  await closed(socket)
  expect(await send('GET', configMaps)).toMatchObject({ code: 200 })
})

const spdyNonsense = Buffer.from([0x80, 3, 0, 1, 1, 0, 0, 4, 0, 0, 0, 1, 0x80, 3, 0, 99, 0, 0, 0, 0])

test.each([
  ['exec?command=cat&stdin=true', 'v5.channel.k8s.io'],
  ['exec?command=sh&stdin=true&tty=true', 'v4.channel.k8s.io'],
  ['portforward', 'SPDY/3.1+portforward.k8s.io'],
])('nonsense in %s costs no more than its stream', async (target, protocol) => {
  for (const message of [
    Buffer.alloc(0),
    Buffer.from('\x04{'),
    Buffer.from([9]),
    spdyNonsense,
    Buffer.alloc(2_000_000),
  ]) {
    const socket = open()
    socket.write(
      `GET /api/v1/namespaces/default/pods/web-0/${target} HTTP/1.1\r\nhost: playground\r\n` +
        `authorization: Bearer ${playground.token}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
        `sec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\n` +
        `sec-websocket-protocol: ${protocol}\r\n\r\n`,
    )
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toContain(`HTTP/1.1 101`)
    expect(answer.toString()).toContain(`Sec-WebSocket-Protocol: ${protocol}`)
    socket.write(binaryFrame(message))
    socket.end()
    await closed(socket)
  }
  expect(await send('GET', configMaps)).toMatchObject({ code: 200 })
})

function open(): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port: playground.port, ca: playground.caPem })
  return socket.on('error', () => {})
}

/** A reset is an end too. */
function closed(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => socket.resume().once('close', () => resolve()))
}

/** A client's frame as RFC 6455 has it, with a mask of zeroes. */
function binaryFrame(message: Buffer): Buffer {
  const header = Buffer.alloc(14)
  header.writeUInt8(0x82, 0)
  header.writeUInt8(0x80 | 127, 1)
  header.writeBigUInt64BE(BigInt(message.length), 2)
  return Buffer.concat([header, message])
}

async function send(
  method: string,
  path: string,
  body: Buffer = Buffer.alloc(0),
  headers: Record<string, string> = {},
): Promise<{ code: number; text: string }> {
  const authorization = `Bearer ${playground.token}`
  const outgoing = request(`${playground.url}`, {
    method,
    path,
    ca: playground.caPem,
    headers: { authorization, 'content-length': String(body.length), ...headers },
  })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { code: response.statusCode ?? 0, text }
}
