import { once } from 'node:events'
import { createConnection, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  foregroundGroup,
  getrlimit,
  prctl,
  prctlOption,
  processGroup,
  resource,
  setrlimit,
  tryLock,
} from '../../../src/platform/libc.ts'
import { peerOf } from '../../../src/platform/peer.ts'
import { scratch } from './scratch.ts'

test('limits are read as the kernel lists them, and can be lowered', () => {
  const line = readFileSync('/proc/self/limits', 'utf8').match(/^Max open files +(\S+) +(\S+)/m)
  const limit = getrlimit(resource.nofile)
  expect([String(limit.soft), String(limit.hard)]).toEqual([line?.[1], line?.[2]])
  const core = getrlimit(resource.core)
  setrlimit(resource.core, { soft: 0n, hard: core.hard })
  expect(getrlimit(resource.core).soft).toBe(0n)
})

test('prctl answers, and a failure names its errno', () => {
  expect([0, 1, 2]).toContain(prctl(prctlOption.getDumpable))
  expect(() => prctl(prctlOption.setDumpable, 7)).toThrow('prctl: EINVAL')
  expect(() => foregroundGroup(999)).toThrow('tcgetpgrp: EBADF')
})

test('the process group is the one in /proc', () => {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  expect(processGroup()).toBe(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]))
})

test('a lock is held against another opening of the same file', () => {
  const path = join(scratch(), 'file')
  const fds = [openSync(path, 'w'), openSync(path, 'w')] as const
  expect([tryLock(fds[0]), tryLock(fds[1])]).toEqual([true, false])
  closeSync(fds[0])
  expect(tryLock(fds[1])).toBe(true)
  closeSync(fds[1])
})

test('both ends of a socket see who the other is', async () => {
  const server = createServer()
  const path = join(scratch(), 's.sock')
  await once(server.listen(path), 'listening')
  const client = createConnection(path)
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const own = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() }
  expect(peerOf(accepted)).toEqual(own)
  expect(peerOf(client)).toEqual(own)
  client.destroy()
  accepted.destroy()
  await once(accepted, 'close')
  expect(() => peerOf(accepted)).toThrow('the socket is closed')
  server.close()
})
