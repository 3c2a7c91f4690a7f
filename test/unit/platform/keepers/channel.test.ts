import { duplexPair } from 'node:stream'
import type { Duplex } from 'node:stream'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { KeeperChannel } from '../../../../src/platform/keepers/channel.ts'
import type { Answers } from '../../../../src/platform/keepers/channel.ts'
import { readHello, writeHello } from '../../../../src/platform/keepers/hello.ts'
import { encodeReply, encodeRequest } from '../../../../src/protocol/frame.ts'

const live = { deadlineBootMs: 1, lifetimeWallMs: 2 }

/** A channel, and the raw bytes of its other end. */
function makeEnds(answers: Answers = {}): { channel: KeeperChannel; stream: Duplex; far: Duplex } {
  const [stream, far] = duplexPair()
  far.on('error', () => {})
  return { channel: new KeeperChannel(stream, answers), stream, far }
}

const closed = (stream: Duplex): Promise<boolean> =>
  new Promise((resolve) => (stream.destroyed ? resolve(true) : stream.once('close', () => resolve(true))))

test('both sides ask and answer at once, each in order, though answers take their time', async () => {
  const [near, far] = duplexPair()
  const order: number[] = []
  const opened = new KeeperChannel(near, {
    'keeper.opened': async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return { accepted: true, idleMs: 7 }
    },
  })
  const other = new KeeperChannel(far, {
    'keeper.live': async () => {
      await new Promise((resolve) => setTimeout(resolve, order.length === 0 ? 10 : 0))
      return {}
    },
  })
  const [answer] = await Promise.all([
    other.request('keeper.opened', { generation: 1 }),
    opened.request('keeper.live', live).then(() => order.push(1)),
    opened.request('keeper.live', live).then(() => order.push(2)),
  ])
  expect(answer).toMatchObject({ accepted: true, idleMs: 7 })
  expect(order).toEqual([1, 2])
})

test('what is told is not answered, and what does not fit ends the line', async () => {
  const told: number[] = []
  const expected = { ticket: Buffer.alloc(32), pid: 1, startTicks: 2, purpose: 'issue' }
  const { stream, far } = makeEnds({
    'keeper.expect': () => {
      if (told.push(1) > 1) throw new Error('enough')
      return {}
    },
    'keeper.live': () => ({}),
  })
  const answers: Buffer[] = []
  far.on('data', (bytes: Buffer) => answers.push(bytes))
  far.write(Buffer.concat([encodeRequest('keeper.expect', expected), encodeRequest('keeper.live', live)]))
  await vi.waitFor(() => expect(answers).toEqual([encodeReply('keeper.live', {})]))
  expect(told).toEqual([1])
  far.write(encodeRequest('keeper.expect', expected))
  expect(await closed(stream)).toBe(true)
})

test('nothing is told to one that does not read, or is gone', async () => {
  const { channel, stream } = makeEnds()
  const ticket = { ticket: Buffer.alloc(32), pid: 1, startTicks: 2, purpose: 'issue' }
  const tellMany = (): void => {
    for (let count = 0; count < 10_000; count += 1) channel.tell('keeper.expect', ticket)
  }
  expect(tellMany).toThrow('does not read')
  stream.destroy()
  expect(tellMany).toThrow('closed')
})

test('a handler that fails is an error to the asker, and the line goes on', async () => {
  const [near, far] = duplexPair()
  let fails = true
  const channel = new KeeperChannel(near, {})
  const other = new KeeperChannel(far, {
    'keeper.live': () => {
      if (fails) throw new Error('token-of-alice')
      return {}
    },
  })
  const failure = await channel.request('keeper.live', live).catch((error: Error) => error)
  expect(failure).toMatchObject({ code: 'internal', message: expect.not.stringContaining('alice') })
  fails = false
  expect(await channel.request('keeper.live', live)).toEqual({})
  other.close()
})

test.each([
  ['an answer to nothing', encodeReply('keeper.live', {})],
  ['a request that this side does not answer', encodeRequest('daemon.stop', {})],
  ['a frame of another version', Buffer.from([0, 0, 0, 0, 0, 99, 0, 49])],
  ['a frame without end', Buffer.from([255, 255, 255, 255, 0, 1, 0, 49])],
])('%s ends the line', async (_what, bytes) => {
  const { stream, far } = makeEnds({ 'keeper.live': () => ({}) })
  far.write(bytes)
  expect(await closed(stream)).toBe(true)
})

test('what waits for an answer hears of the end, and so does who asks later', async () => {
  const { channel, far } = makeEnds()
  const asked = channel.request('keeper.live', live)
  far.end()
  await expect(asked).rejects.toMatchObject({ code: 'internal' })
  await expect(channel.request('keeper.live', live)).rejects.toMatchObject({ code: 'internal' })
})

test('a greeting arrives whole however it is cut, and leaves what follows it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.array(fc.nat(40), { maxLength: 5 }), async (json, cuts) => {
      const [source, sink] = duplexPair()
      const pieces: Buffer[] = []
      sink.on('data', (chunk: Buffer) => pieces.push(chunk))
      writeHello(source, JSON.parse(json))
      source.write('rest')
      await new Promise((resolve) => setImmediate(resolve))
      let bytes = Buffer.concat(pieces)
      const [near, far] = duplexPair()
      const greeting = readHello(far)
      for (const cut of cuts) {
        near.write(bytes.subarray(0, cut))
        bytes = bytes.subarray(cut)
      }
      near.write(bytes)
      expect(await greeting).toEqual(JSON.parse(json))
      let rest = ''
      far.on('data', (chunk: Buffer) => (rest += chunk.toString())).resume()
      await expect.poll(() => rest, { interval: 1 }).toBe('rest')
    }),
    { numRuns: 50 },
  )
})
