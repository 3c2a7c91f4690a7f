import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Session } from 'node:http2'
import { expect, test } from 'vitest'
import { until } from '../../fixtures/terminal.ts'
import { Wire } from './wire.ts'

/** An API server that speaks HTTP/2 and holds each watch after its first event. */
class Watched {
  readonly wire: Wire
  readonly sessions = new Set<ServerHttp2Session>()
  readonly held = new Map<string, ServerResponse>()
  opened = 0

  private constructor(wire: Wire) {
    this.wire = wire
    wire.server.server.on('session', (session: ServerHttp2Session) => {
      this.opened += 1
      this.sessions.add(session)
      session.once('close', () => this.sessions.delete(session))
    })
  }

  static async open(): Promise<Watched> {
    const hold = (message: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.on('error', () => {})
      response.write(`{"path":"${message.url}"}\n`)
      watched.held.set(message.url ?? '', response)
      response.once('close', () => watched.held.delete(message.url ?? ''))
    }
    const watched: Watched = new Watched(await Wire.open(hold, {}, { http2: true }))
    return watched
  }

  /** @returns the answer, and the text of it so far */
  async watch(name: string): Promise<{ response: IncomingMessage; text: () => string }> {
    const begun = this.wire.begin(`/${name}?watch=true`)
    begun.end()
    const [response] = (await once(begun, 'response')) as [IncomingMessage]
    let text = ''
    response.on('data', (chunk: Buffer) => (text += chunk.toString()))
    response.on('error', () => {})
    return { response, text: () => text }
  }

  /** The API server’s end of a watch. */
  end(name: string): ServerResponse {
    return this.held.get(`/${name}?watch=true`) as ServerResponse
  }
}

const closed = (response: IncomingMessage): Promise<void> =>
  new Promise((resolve) => void response.once('close', resolve))

test('many watches share a few connections, each with its own events', async () => {
  const watched = await Watched.open()
  const names = Array.from({ length: 120 }, (_, index) => `w${index}`)
  const watches = await Promise.all(names.map((name) => watched.watch(name)))
  expect(watched.opened).toBe(2)
  expect(watched.wire.seen.every(({ headers }) => headers.authorization === 'Bearer the-token')).toBe(true)
  for (const [index, { text }] of watches.entries())
    await until('its event', () => text() === `{"path":"/w${index}?watch=true"}\n`)
  // What is no watch goes by itself, as before.
  const plain = watched.wire.begin('/plain')
  plain.end()
  await once(plain, 'response')
  expect((watched.wire.seen.at(-1) as unknown as Http2ServerRequest).httpVersion).toBe('1.1')
})

test('a watch that ends is whole, and one that is reset is not', async () => {
  const watched = await Watched.open()
  const [one, other] = [await watched.watch('one'), await watched.watch('other')]
  watched.end('one').end('last\n')
  await once(one.response, 'end')
  expect(one.text()).toMatch(/last\n$/)
  expect(one.response.complete).toBe(true)
  const broken = closed(other.response)
  ;(watched.end('other') as unknown as { stream: { close(code: number): void } }).stream.close(8)
  await broken
  expect(other.response.complete).toBe(false)
})

test('one that nobody reads holds up no other', async () => {
  const watched = await Watched.open()
  const unread = watched.wire.begin('/unread?watch=true')
  unread.end()
  const [response] = (await once(unread, 'response')) as [IncomingMessage]
  response.pause()
  const other = await watched.watch('other')
  const flood = watched.end('unread')
  let written = 0
  while (flood.write(Buffer.alloc(64 * 1024)) || written < 8) written += 1
  watched.end('other').write('more\n')
  await until('the other’s event', () => other.text().endsWith('more\n'))
  expect(watched.opened).toBe(1)
})

test('after the connection has gone, the next watch has another', async () => {
  const watched = await Watched.open()
  const before = await watched.watch('before')
  const gone = closed(before.response)
  for (const session of watched.sessions) session.destroy()
  await gone
  expect(before.response.complete).toBe(false)
  const after = await watched.watch('after')
  await until('its event', () => after.text() !== '')
  expect(watched.opened).toBe(2)
})

test('a lock tells every watch why', async () => {
  const watched = await Watched.open()
  const watches = await Promise.all(['a', 'b', 'c'].map((name) => watched.watch(name)))
  for (const { text } of watches) await until('its event', () => text() !== '')
  const ended = Promise.all(watches.map(({ response }) => once(response, 'end')))
  await watched.wire.rig.gateway.end()
  await ended
  for (const { text } of watches) {
    const [, event = ''] = text().split('\n')
    expect(JSON.parse(event)).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 401 } })
  }
  // Nothing of them is left at the API server either.
  await until('no watch there', () => watched.held.size === 0)
})
