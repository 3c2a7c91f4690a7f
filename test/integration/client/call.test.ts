import { chmodSync, lchownSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { callDaemon, callKeeper, daemonIsRunning } from '../../../src/client/call.ts'
import type { GuardError } from '../../../src/domain/errors.ts'
import { places } from '../../../src/platform/dirs.ts'
import { FrameReader } from '../../../src/protocol/channel.ts'
import { decodeRequest, encodeError, encodeReply } from '../../../src/protocol/frame.ts'
import { protocolVersion } from '../../../src/protocol/messages.ts'
import { answer, guardHome, listen, nameSocket, scriptedDaemon } from './scripted-daemon.ts'

const quick = { answerMs: 400, start: false }

async function refusal(call: Promise<unknown>): Promise<GuardError> {
  const error = await call.then(() => undefined).catch((error: unknown) => error)
  if (error === undefined) throw new Error('was not refused')
  return error as GuardError
}

const ask = () => callDaemon('daemon.status', {}, quick)
const report = encodeReply('daemon.status', { report: { pid: 7 } })

function versioned(frame: Buffer, version: number): Buffer {
  const copy = Buffer.from(frame)
  copy.writeUInt16BE(version, 4)
  return copy
}

test('a request is answered, and the connection ends', async () => {
  const found = guardHome()
  const closed = Promise.withResolvers<void>()
  await scriptedDaemon(found, (socket) => {
    answer(report)(socket)
    socket.on('close', closed.resolve)
  })
  expect(await ask()).toEqual({ report: { pid: 7 } })
  expect(await daemonIsRunning()).toBe(true)
  await closed.promise
})

test('an answer that comes byte by byte is put together', async () => {
  await scriptedDaemon(guardHome(), (socket) => {
    socket.once('data', async () => {
      for (const byte of report) {
        socket.write(Buffer.of(byte))
        await pause(1)
      }
    })
  })
  expect(await ask()).toEqual({ report: { pid: 7 } })
})

test('a refusal keeps its code, words, cure and exit code', async () => {
  const reply = {
    code: 'locked',
    message: 'prod is\u001b[2J locked',
    cure: 'run: kubeguard unlock prod',
    exitCode: 77,
  }
  await scriptedDaemon(guardHome(), answer(encodeError(reply)))
  const error = await refusal(ask())
  expect(error).toMatchObject({
    code: 'locked',
    message: 'prod is [2J locked',
    cure: reply.cure,
    exitCode: 77,
  })
})

test('a code that this client does not know keeps its words and exit code', async () => {
  await scriptedDaemon(
    guardHome(),
    answer(encodeError({ code: 'toString', message: 'm', cure: 'c', exitCode: 42 })),
  )
  expect(await refusal(ask())).toMatchObject({ code: 'internal', message: 'm', cure: 'c', exitCode: 42 })
})

test.each([
  ['its answer', report],
  ['its refusal', encodeError({ code: 'version-mismatch', message: 'm', cure: 'c', exitCode: 75 })],
])('a daemon of another version is told by %s', async (_, frame) => {
  await scriptedDaemon(guardHome(), answer(versioned(frame, 9)))
  expect(await refusal(ask())).toMatchObject({
    code: 'version-mismatch',
    message: `the daemon speaks protocol 9, this client ${protocolVersion}`,
    cure: 'run: kubeguard daemon restart',
  })
})

const oversized = Buffer.alloc(8)
oversized.writeUInt32BE(0x7fffffff, 0)

test.each([
  ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['an oversized frame', oversized],
  ['the answer to another question', encodeReply('daemon.stop', {})],
  ['an answer without its field', Buffer.from([0, 0, 0, 0, 0, protocolVersion, 0x80, 11])],
])('%s is a protocol error', async (_, bytes) => {
  await scriptedDaemon(guardHome(), answer(bytes))
  expect(await refusal(ask())).toMatchObject({ code: 'protocol-error', exitCode: 75 })
})

const hangs: [string, (socket: Socket) => void, string][] = [
  ['says nothing', (socket) => void socket.resume(), 'the daemon did not answer within 0.4 s'],
  ['stops in the middle', answer(report.subarray(0, 12)), 'the daemon did not answer within 0.4 s'],
  ['closes at once', (socket) => void socket.destroy(), 'the daemon closed the connection without an answer'],
  [
    'closes in the middle',
    (socket) => void socket.once('data', () => socket.end(report.subarray(0, 12))),
    'the daemon closed the connection in the middle of its answer',
  ],
]

test.each(hangs)('a daemon that %s is unreachable', async (_, script, message) => {
  await scriptedDaemon(guardHome(), script)
  expect(await refusal(ask())).toMatchObject({ code: 'daemon-unreachable', message, exitCode: 75 })
})

test('no lock file, and a lock file that names a socket which is gone: not running', async () => {
  const found = guardHome()
  expect(await daemonIsRunning()).toBe(false)
  nameSocket(found, places.socket(found))
  expect(await daemonIsRunning()).toBe(false)
  rmSync(found.run, { recursive: true })
  expect(await refusal(ask())).toMatchObject({
    code: 'daemon-unreachable',
    message: 'the daemon is not running',
  })
})

test('a socket that nobody listens at any more: not running', async () => {
  const found = guardHome()
  const other = join(found.run, 'other.sock')
  const server = await listen(other, () => undefined)
  // Node removes the name that it listened under; a daemon that was killed leaves it behind.
  renameSync(other, places.socket(found))
  nameSocket(found, places.socket(found))
  expect(await daemonIsRunning()).toBe(true)
  await new Promise((resolve) => server.close(resolve))
  expect(await daemonIsRunning()).toBe(false)
})

test('a socket in a folder that others may enter, and a link to a socket, are refused', async () => {
  const found = guardHome()
  await scriptedDaemon(found, answer(report))
  chmodSync(found.run, 0o755)
  expect(await refusal(ask())).toMatchObject({ code: 'place-unsafe', exitCode: 78 })
  chmodSync(found.run, 0o700)
  symlinkSync(places.socket(found), join(found.run, 'link.sock'))
  nameSocket(found, join(found.run, 'link.sock'))
  expect((await refusal(ask())).code).toBe('place-unsafe')
})

test('a socket that is somebody else’s is refused', async () => {
  const found = guardHome()
  if (process.getuid?.() === 0) {
    await scriptedDaemon(found, answer(report))
    lchownSync(places.socket(found), 54_321, 54_321)
  } else {
    nameSocket(found, '/etc/passwd')
  }
  expect(await refusal(ask())).toMatchObject({
    code: 'place-unsafe',
    message: expect.stringContaining('not to you'),
  })
})

test('a state folder that others may enter is refused: who can write there says where we connect', async () => {
  const found = guardHome()
  await scriptedDaemon(found, answer(report))
  chmodSync(found.state, 0o711)
  expect(await refusal(ask())).toMatchObject({
    code: 'place-unsafe',
    message: `${found.state} is open to other users`,
    cure: `run: chmod 700 ${found.state}`,
    exitCode: 78,
  })
  chmodSync(found.state, 0o700)
  expect(await ask()).toEqual({ report: { pid: 7 } })
})

test('a keeper’s socket in a folder that is open to others, and what is no socket, get no passphrase', async () => {
  const found = guardHome()
  const path = join(places.keepers(found), 'k.sock')
  const heard: Buffer[] = []
  await listen(path, (socket) => void socket.on('data', (chunk: Buffer) => heard.push(chunk)))
  const open = (socket: string) =>
    callKeeper(socket, 'keeper.open', { ticket: Buffer.from('t'), passphrase: Buffer.from('p') }, quick)
  chmodSync(places.keepers(found), 0o755)
  expect(await refusal(open(path))).toMatchObject({ code: 'place-unsafe', exitCode: 78 })
  chmodSync(places.keepers(found), 0o700)
  symlinkSync(path, `${path}.link`)
  expect((await refusal(open(`${path}.link`))).code).toBe('place-unsafe')
  expect(heard).toEqual([])
})

test('a keeper is asked at its own socket, and one that is gone has locked', async () => {
  const found = guardHome()
  const path = join(places.keepers(found), 'k.sock')
  const request = { ticket: Buffer.from('t'), passphrase: Buffer.from('p') }
  expect(await refusal(callKeeper(path, 'keeper.open', request))).toMatchObject({ code: 'ticket-refused' })
  const seen: unknown[] = []
  await listen(path, (socket) => {
    const reader = new FrameReader()
    socket.on('data', (chunk: Buffer) => {
      for (const { body } of reader.push(chunk)) {
        seen.push(decodeRequest('keeper.open', body).passphrase.toString())
        socket.write(encodeReply('keeper.open', { report: { policies: ['prod'] } }))
      }
    })
  })
  expect(await callKeeper(Buffer.from(path), 'keeper.open', request)).toEqual({
    report: { policies: ['prod'] },
  })
  expect(seen).toEqual(['p'])
})
