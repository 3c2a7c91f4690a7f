import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readProcStat } from '../../../src/platform/processes/proc-stat.ts'
import { decodeError, encodeRequest, readHeader } from '../../../src/protocol/frame.ts'
import { limits } from '../../../src/protocol/limits.ts'
import { messages, replyBit } from '../../../src/protocol/messages.ts'
import type { Keeper } from '../../../src/usecases/ports.ts'
import { isRunning } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { ended, item, KeeperHome, listen, openWith, passphrase, unlocked } from './keeper-home.ts'
import { ask, giveTicket, hold, makeTicket, self, sendRaw } from './talk.ts'

const issueWith = (keeper: Keeper, ticket: Buffer) =>
  ask(keeper.socket, 'keeper.issue', { ticket, apiVersion: 'v1' })
const refused = { ok: false, code: 'ticket-refused' }

const works = async (keeper: Keeper): Promise<boolean> =>
  (await issueWith(keeper, await giveTicket(keeper, 'issue', item.id))).ok

test('the socket is this account’s alone, in a folder of its own', async () => {
  const keeper = await (await KeeperHome.make()).start()
  expect(lstatSync(keeper.socket).mode & 0o777).toBe(0o600)
  expect(lstatSync(dirname(keeper.socket)).mode & 0o777).toBe(0o700)
})

describe('a ticket', () => {
  test('is one attempt', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    const ticket = await giveTicket(keeper, 'issue', item.id)
    expect((await issueWith(keeper, ticket)).ok).toBe(true)
    expect(await issueWith(keeper, ticket)).toEqual(refused)
    expect(await issueWith(keeper, randomBytes(32))).toEqual(refused)
    expect(await issueWith(keeper, Buffer.alloc(0))).toEqual(refused)
    expect(await works(keeper)).toBe(true)
  })

  test('that the daemon told of in time is found, also where the keeper meets the client first', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    const ticket = makeTicket('issue', item.id)
    const client = await hold(keeper.socket)
    expect(await works(keeper)).toBe(true)
    process.kill(keeper.pid, 'SIGSTOP')
    client.write(encodeRequest('keeper.issue', { ticket: ticket.ticket, apiVersion: 'v1' }))
    await nextTurn()
    keeper.expect(ticket)
    await nextTurn()
    process.kill(keeper.pid, 'SIGCONT')
    const [answer] = await once(client, 'data')
    expect(readHeader(answer as Buffer).id).toBe(messages['keeper.issue'].id | replyBit)
    client.destroy()
  })

  test('is spent in the wrong hands, too', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    const child = spawn('sleep', ['60'])
    const startTicks = readProcStat(child.pid as number)?.startTicks as number
    for (const client of [
      { pid: child.pid as number, startTicks },
      { ...self(), startTicks: self().startTicks - 1 },
    ]) {
      const ticket = { ...makeTicket('issue', item.id), client }
      keeper.expect(ticket)
      expect(await issueWith(keeper, ticket.ticket)).toEqual(refused)
      keeper.expect({ ...makeTicket('issue', item.id), ticket: ticket.ticket })
      expect((await issueWith(keeper, ticket.ticket)).ok).toBe(true)
    }
    child.kill('SIGKILL')
  })

  test('is good for its purpose only', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    expect(await issueWith(keeper, await giveTicket(keeper, 'open'))).toEqual(refused)
    const ticket = await giveTicket(keeper, 'issue', item.id)
    const opening = { ticket, passphrase: Buffer.from(passphrase) }
    expect(await ask(keeper.socket, 'keeper.open', opening)).toEqual(refused)
  })

  test('to open does not bring a second attempt', async () => {
    const home = await KeeperHome.make()
    const keeper = await unlocked(home)
    expect(await openWith(keeper, passphrase)).toEqual(refused)
    expect(await works(keeper)).toBe(true)

    const other = await home.start()
    const heard = listen(other, { accepted: false })
    const both = await Promise.all([openWith(other, 'wrong one'), openWith(other, 'wrong two')])
    expect(both.filter((said) => !said.ok && said.code === 'wrong-passphrase')).toHaveLength(1)
    expect(heard).toHaveLength(1)
    await ended(other)
  })
})

describe('a client that', () => {
  test('talks nonsense loses its connection, and nothing else happens', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    const ticket = await giveTicket(keeper, 'issue', item.id)
    const good = encodeRequest('keeper.issue', { ticket, apiVersion: 'v1' })
    const oldVersion = Buffer.from(good)
    oldVersion.writeUInt16BE(99, 4)
    const huge = Buffer.alloc(8)
    huge.writeUInt32BE(0xffff_ffff, 0)
    const long = encodeRequest('gate.check', {
      argv: [Buffer.alloc(limits.argumentBytes)],
      cwd: Buffer.from('/'),
      inCluster: false,
      ttys: 0,
      mayAsk: false,
      asked: false,
      mayWait: false,
      waits: false,
    })
    const cases: [string, Buffer][] = [
      ['version-mismatch', oldVersion],
      ['protocol-error', huge],
      ['protocol-error', long],
      ['protocol-error', Buffer.concat([good, good])],
      ['protocol-error', Buffer.concat([good, Buffer.from('x')])],
      ['protocol-error', encodeRequest('daemon.stop', {})],
      ['protocol-error', encodeRequest('keeper.live', { deadlineBootMs: 9e12, lifetimeWallMs: 9e12 })],
      [
        'protocol-error',
        encodeRequest('keeper.expect', { ...makeTicket('open'), pid: 1, startTicks: 1 } as never),
      ],
    ]
    for (const [code, bytes] of cases) {
      const [frame] = await sendRaw(keeper.socket, bytes)
      expect(decodeError(frame?.body as Buffer).code).toBe(code)
    }
    expect((await issueWith(keeper, ticket)).ok).toBe(true)
  })

  test('says half a thing, nothing, or hangs up is let go in time', { timeout: 20_000 }, async () => {
    const keeper = await unlocked(await KeeperHome.make())
    const gone = async (bytes: Buffer): Promise<number> => {
      const begun = performance.now()
      const socket = await hold(keeper.socket)
      socket.resume().write(bytes)
      await new Promise((resolve) => socket.once('close', resolve))
      return performance.now() - begun
    }
    const half = gone(
      encodeRequest('keeper.issue', { ticket: Buffer.alloc(32), apiVersion: 'v1' }).subarray(0, 20),
    )
    const silent = await hold(keeper.socket)
    const halfOpen = await hold(keeper.socket)
    halfOpen.end()
    await new Promise((resolve) => halfOpen.once('close', resolve))
    expect(await works(keeper)).toBe(true)
    expect(await half).toBeLessThan(limits.frameTimeoutMs + 2_000)
    silent.destroy()
    expect(await works(keeper)).toBe(true)
  })

  test('comes in crowds is turned away at the door', async () => {
    const keeper = await unlocked(await KeeperHome.make())
    const crowd = await Promise.all(
      Array.from({ length: limits.connections + 40 }, () => hold(keeper.socket)),
    )
    const lost = () => crowd.filter((socket) => socket.closed).length
    crowd.forEach((socket) => socket.resume())
    await until('some to be turned away', () => lost() >= 40)
    crowd.forEach((socket) => socket.destroy())
    expect(await until('room again', () => works(keeper))).toBe(true)
  })

  test('is gone before it has asked is answered nothing, and costs no attempt', async () => {
    const keeper = await (await KeeperHome.make()).start()
    const heard = listen(keeper, { accepted: true })
    const client = spawn('sleep', ['60'])
    const ticket = makeTicket('open')
    keeper.expect({
      ...ticket,
      client: {
        pid: client.pid as number,
        startTicks: readProcStat(client.pid as number)?.startTicks as number,
      },
    })
    client.kill('SIGKILL')
    const request = { ticket: ticket.ticket, passphrase: Buffer.from(passphrase) }
    expect(await ask(keeper.socket, 'keeper.open', request)).toEqual(refused)
    expect(heard).toEqual([])
    expect(isRunning(keeper.pid)).toBe(true)
  })
})
