import { readdirSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decodeError, decodeReply, encodeRequest } from '../../../src/protocol/frame.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { errorId } from '../../../src/protocol/messages.ts'
import { good, isRunning, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { hold, sendRaw } from '../keeper/talk.ts'

const status = { cwd: Buffer.from('/') }
const statusFrame = encodeRequest('session.status', status)
/** A machine under load included: nothing that others do may hold up an answer for longer. */
const promptlyMs = 1_000

let home: TestHome
let path: string
let pid: number
let descriptorsBefore: number

beforeAll(async () => {
  home = makeHome()
  good(await home.kubeguard(['daemon', 'start']))
  path = join(home.guardHome, 'run', 'daemon.sock')
  pid = (await home.daemonPid()) as number
})

afterAll(() => home.dispose())

beforeEach(async () => {
  await until('the last connection to be closed', () => connections() === 0)
  descriptorsBefore = descriptors()
})

/** After each attack everything is as before. */
afterEach(async () => {
  await until('every connection to be let go', () => connections() === 0)
  const now = (): string => `${descriptors()} and not ${descriptorsBefore}`
  await until('as many descriptors as before', () => descriptors() <= descriptorsBefore, { now })
  expect(isRunning(pid)).toBe(true)
})

/** The daemon's ends of its connections; the listening socket has the path, too. */
const connections = (): number =>
  readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(` ${path}`)).length - 1

/** The daemon is not dumpable: only root sees its descriptors. */
const descriptors = (): number => (process.getuid?.() === 0 ? readdirSync(`/proc/${pid}/fd`).length : 0)

/** @returns how long the daemon took to answer somebody else. */
async function answersPromptly(): Promise<void> {
  const from = performance.now()
  const socket = await hold(path)
  socket.write(statusFrame)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  expect(chunk.readUInt16BE(6)).not.toBe(errorId)
  expect(performance.now() - from).toBeLessThan(promptlyMs)
  socket.destroy()
}

const once = (socket: Socket, event: string): Promise<unknown[]> =>
  new Promise((resolve) => socket.once(event, (...args: unknown[]) => resolve(args)))

/** A connection that goes with the test, and how long it lasted. */
async function lasting(begin: (socket: Socket) => void): Promise<number> {
  const socket = await hold(path)
  const from = performance.now()
  const closed = once(socket.resume(), 'close')
  begin(socket)
  await closed
  return performance.now() - from
}

/** Status answered on this very connection: the frame and nothing else. */
async function statusReplies(bytes: Buffer): Promise<number> {
  const socket = await hold(path)
  socket.end(bytes)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  let count = 0
  let rest = Buffer.concat(chunks)
  while (rest.length > 0) {
    const end = 8 + rest.readUInt32BE(0)
    decodeReply('session.status', rest.subarray(8, end))
    rest = rest.subarray(end)
    count += 1
  }
  return count
}

describe('a client that talks nonsense', () => {
  const header = (body: number, version = statusFrame.readUInt16BE(4), id = 6): Buffer => {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32BE(body, 0)
    bytes.writeUInt16BE(version, 4)
    bytes.writeUInt16BE(id, 6)
    return bytes
  }
  const id = statusFrame.readUInt16BE(6)
  const version = statusFrame.readUInt16BE(4)
  const field = (tag: number, length: number, value: Buffer): Buffer => {
    const head = Buffer.alloc(5)
    head.writeUInt8(tag, 0)
    head.writeUInt32BE(length, 1)
    return Buffer.concat([head, value])
  }
  const framed = (body: Buffer, as = id): Buffer => Buffer.concat([header(body.length, version, as), body])

  test.each([
    ['of another version', Buffer.concat([header(0, 99, id)]), 'version-mismatch'],
    ['an unknown message', framed(Buffer.alloc(0), 999), 'protocol-error'],
    [
      'a message for a keeper',
      encodeRequest('keeper.issue', { ticket: Buffer.alloc(32), apiVersion: 'v1' }),
      'protocol-error',
    ],
    ['an unknown field', framed(field(200, 1, Buffer.from('x'))), 'protocol-error'],
    ['a field that claims to be longer', framed(field(1, 0xffff_ffff, Buffer.from('x'))), 'protocol-error'],
    ['half a field', framed(Buffer.from([1, 0, 0])), 'protocol-error'],
    ['no fields where some are required', framed(Buffer.alloc(0)), 'protocol-error'],
    ['noise in a frame', framed(Buffer.alloc(4096, 0xa5)), 'protocol-error'],
  ])('%s is told so', async (_what, bytes, code) => {
    const socket = await hold(path)
    socket.end(bytes)
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    expect(decodeError(chunk.subarray(8)).code).toBe(code)
    await answersPromptly()
  })

  test('a frame past the limit ends its connection before its body comes', async () => {
    for (const bytes of [
      header(limits.frameBytes + 1),
      header(0xffff_ffff),
      Buffer.alloc(64, 0xff),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]) {
      expect(await sendRaw(path, bytes)).toEqual([])
    }
    await answersPromptly()
  })

  test('a frame as large as allowed is read, and is no trouble for others', async () => {
    const reading = lasting((socket) => socket.end(framed(Buffer.alloc(limits.frameBytes))))
    await answersPromptly()
    expect(await reading).toBeLessThan(limits.frameTimeoutMs)
  })
})

describe('a client that is slow', () => {
  test('is let go though it sends a byte now and then', { timeout: 20_000 }, async () => {
    let drip: NodeJS.Timeout | undefined
    const lasted = lasting((socket) => {
      socket.on('error', () => {})
      socket.write(Buffer.from([0, 1, 0, 0, ...statusFrame.subarray(4, 8)]))
      drip = setInterval(() => socket.write('x'), 100)
    })
    await answersPromptly()
    expect(await lasted).toBeLessThan(limits.frameTimeoutMs + 2_000)
    clearInterval(drip)
  })

  test('is answered if it is done in time', async () => {
    const socket = await hold(path)
    for (let at = 0; at < statusFrame.length; at += 1) {
      socket.write(statusFrame.subarray(at, at + 1))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await once(socket, 'data')
    socket.destroy()
  })

  test('to take its answers costs the daemon no more than so many', async () => {
    const lasted = lasting((socket) => {
      socket.pause().on('error', () => {})
      socket.write(Buffer.concat(Array.from({ length: 1_000 }, () => statusFrame)), () => socket.resume())
    })
    await answersPromptly()
    await lasted
  })
})

describe('a client that is half open', () => {
  test('is answered all the same when it has asked', async () => {
    expect(await statusReplies(statusFrame)).toBe(1)
    expect(await statusReplies(Buffer.concat([statusFrame, statusFrame, statusFrame]))).toBe(3)
  })

  test('within a frame, or before one, is let go at once', async () => {
    for (const bytes of [Buffer.alloc(0), statusFrame.subarray(0, 3), statusFrame.subarray(0, 9)]) {
      expect(await lasting((socket) => socket.end(bytes))).toBeLessThan(promptlyMs)
    }
  })

  test('and gone before the answer is no trouble', async () => {
    const gone = Array.from({ length: 50 }, async () => {
      const socket = await hold(path)
      socket.write(statusFrame)
      socket.destroy()
    })
    await Promise.all(gone)
    await answersPromptly()
  })
})

describe('clients in crowds', () => {
  const crowd = (count: number): Promise<Socket[]> =>
    Promise.all(Array.from({ length: count }, () => hold(path)))

  test('that say nothing leave the others their answers', { timeout: 30_000 }, async () => {
    const sockets = await crowd(limits.connections - 50)
    for (const socket of sockets) socket.resume().on('error', () => {})
    await until('all of them to be taken', () => connections() >= sockets.length)
    await answersPromptly()
    const from = performance.now()
    await until('all of them to be let go', () => sockets.every(({ closed }) => closed), {
      withinMs: limits.frameTimeoutMs + 5_000,
    })
    expect(performance.now() - from).toBeLessThan(limits.frameTimeoutMs + 2_000)
  })

  test('past the limit hold off nobody but themselves', { timeout: 30_000 }, async () => {
    const sockets = await crowd(limits.connections + 50)
    for (const socket of sockets) socket.resume().on('error', () => {})
    await until('no room', () => connections() >= limits.connections - 1)
    const from = performance.now()
    // As others do: each from a process of its own, on the first try.
    const others = Array.from({ length: 5 }, () => home.kubeguard(['status', '--json']))
    for (const other of await Promise.all(others)) expect(other).toMatchObject({ stderr: '' })
    await answersPromptly()
    expect(performance.now() - from).toBeLessThan(limits.frameTimeoutMs)
    expect(connections()).toBeLessThanOrEqual(limits.connections)
    sockets.forEach((socket) => socket.destroy())
    await until('room again', () => connections() === 0)
  })

  test('that wait for news are not kept at the cost of others either', { timeout: 30_000 }, async () => {
    const news = encodeRequest('shell.news', {})
    const sockets = await crowd(limits.connections)
    for (const socket of sockets) {
      socket.resume().on('error', () => {})
      socket.write(news)
    }
    await until('no room', () => connections() >= limits.connections)
    expect(await home.kubeguard(['status', '--json'])).toMatchObject({ stderr: '' })
    expect(sockets.filter(({ closed }) => closed).length).toBeLessThan(10)
    sockets.forEach((socket) => socket.destroy())
    await until('room again', () => connections() === 0)
  })
})
