import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { connectTo } from '../../../src/client/connect.ts'
import { exchange } from '../../../src/client/exchange.ts'
import { GuardError } from '../../../src/domain/errors.ts'
import { encodeError, encodeReply } from '../../../src/protocol/frame.ts'
import { limits } from '../../../src/protocol/limits.ts'

let server: Server
let path: string

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kg-'))
  path = join(folder, 's.sock')
  server = createServer()
  await once(server.listen(path), 'listening')
  return () => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Both ends of a connection. */
async function pair(): Promise<{ near: Socket; far: Socket }> {
  const near = createConnection(path)
  const [far] = (await once(server, 'connection')) as [Socket]
  far.on('error', () => undefined)
  return { near, far }
}

test('the answer is decoded, whatever follows it', async () => {
  const { near, far } = await pair()
  const answer = exchange(
    near,
    'keeper',
    'keeper.open',
    { ticket: Buffer.from('t'), passphrase: Buffer.from('p') },
    5_000,
  )
  far.write(Buffer.concat([encodeReply('keeper.open', { report: { policies: [] } }), Buffer.from('more')]))
  expect(await answer).toEqual({ report: { policies: [] } })
  expect(near.destroyed).toBe(true)
})

test('what was sent is erased: it may have held a passphrase', async () => {
  const { near, far } = await pair()
  const sent: Buffer[] = []
  const write = near.write.bind(near) as (bytes: Buffer, done: () => void) => boolean
  near.write = ((bytes: Buffer, done: () => void) => {
    sent.push(bytes)
    return write(bytes, done)
  }) as Socket['write']
  far.once('data', (chunk: Buffer) => {
    expect(chunk.includes('hunter2')).toBe(true)
    setImmediate(() => far.write(encodeReply('keeper.open', { report: {} })))
  })
  await exchange(
    near,
    'keeper',
    'keeper.open',
    { ticket: Buffer.from('t'), passphrase: Buffer.from('hunter2') },
    5_000,
  )
  expect(sent).toHaveLength(1)
  expect(sent[0]?.every((byte) => byte === 0)).toBe(true)
})

test('a request past the limits is not sent, and nothing goes on waiting for its answer', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const { near } = await pair()
  const closed = once(near, 'close')
  const request = { ticket: Buffer.from('t'), passphrase: Buffer.alloc(limits.passphraseBytes + 1) }
  await expect(exchange(near, 'keeper', 'keeper.open', request, 5_000)).rejects.toMatchObject({
    code: 'protocol-error',
    message: 'the request can’t be sent: field passphrase is too long',
  })
  await closed
  await new Promise(setImmediate)
  expect(unhandled).toEqual([])
})

test('a refusal is read although its sender closed before it heard us', async () => {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const near = await connectTo(path, 'daemon')
  const [far] = await accepted
  far.end(encodeError({ code: 'locked', message: 'prod is locked', cure: 'c', exitCode: 77 }))
  far.destroySoon()
  await once(far, 'close')
  await expect(exchange(near as Socket, 'daemon', 'daemon.status', {}, 5_000)).rejects.toMatchObject({
    code: 'locked',
    message: 'prod is locked',
  })
})

test('whoever closed before it heard us, and said nothing, is gone', async () => {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const near = await connectTo(path, 'daemon')
  const [far] = await accepted
  far.destroy()
  await once(far, 'close')
  await expect(exchange(near as Socket, 'daemon', 'daemon.status', {}, 5_000)).rejects.toMatchObject({
    code: 'daemon-unreachable',
    message: 'the daemon closed the connection without an answer',
  })
})

test('whatever comes back, the failure is one that has a cure', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
      const { near, far } = await pair()
      const answer = exchange(near, 'daemon', 'daemon.status', {}, 5_000)
      far.end(Buffer.from(bytes))
      const error = await answer.catch((error: unknown) => error)
      expect(error).toBeInstanceOf(GuardError)
      expect(['daemon-unreachable', 'protocol-error', 'version-mismatch']).toContain(
        (error as GuardError).code,
      )
      expect((error as GuardError).cure).not.toBe('')
    }),
  )
})
