import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeError } from '../../../src/protocol/frame.ts'
import { protocolVersion } from '../../../src/protocol/messages.ts'
import { good, isRunning, makeHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { daemonOf, kill, lockFile, socketOf, states } from './daemon-home.ts'

test('a daemon that is killed takes every open session with it; the next call starts another', async () => {
  await using home = makeHome()
  await home.init()
  await home.unlock()
  const first = await daemonOf(home)
  const keepers = join(home.guardHome, 'run', 'keepers')
  expect(readdirSync(keepers)).not.toEqual([])
  await kill(first)
  expect(readFileSync(lockFile(home), 'utf8').trim()).toBe(socketOf(home))

  expect(await states(home)).toEqual(['locked'])
  const second = await daemonOf(home)
  expect(second).not.toBe(first)
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 77 })
})

test('a lock file that names a socket of nobody’s is no daemon, and no hindrance', async () => {
  await using home = makeHome()
  good(await home.kubeguard(['daemon', 'start']))
  good(await home.kubeguard(['daemon', 'stop']))
  for (const content of [`${socketOf(home)}\n`, '/nowhere/at/all.sock\n', '/half/a/path']) {
    writeFileSync(lockFile(home), content, { mode: 0o600 })
    expect(await home.daemonPid()).toBeUndefined()
    expect(await states(home)).toEqual(['locked'])
    const pid = await daemonOf(home)
    expect(readFileSync(lockFile(home), 'utf8')).toBe(`${socketOf(home)}\n`)
    await kill(pid)
  }
})

test('what lies in the socket’s place is cleared away', async () => {
  await using home = makeHome()
  good(await home.kubeguard(['daemon', 'start']))
  good(await home.kubeguard(['daemon', 'stop']))
  writeFileSync(socketOf(home), 'not a socket')
  expect(await states(home)).toEqual(['locked'])
  expect(isRunning(await daemonOf(home))).toBe(true)
})

test('a daemon of another version is told from this one, by command and shim, with the cure', async () => {
  await using home = makeHome()
  await home.init()
  good(await home.kubeguard(['daemon', 'stop']))
  const other = protocolVersion + 1
  const message = `the daemon speaks protocol ${other}, this client ${protocolVersion}`
  const cure = 'run: kubeguard daemon restart'
  const frame = encodeError({ code: 'version-mismatch', message, cure, exitCode: 75 })
  frame.writeUInt16BE(other, 4)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(frame))
  })
  server.listen(socketOf(home))
  await until('a daemon of another version', () => server.listening)
  writeFileSync(lockFile(home), `${socketOf(home)}\n`, { mode: 0o600 })
  try {
    for (const told of [await home.kubeguard(['status']), await home.kubectl(['get', 'pods'])]) {
      expect(told).toEqual({ code: 75, stdout: '', stderr: `kubeguard: ${message}\n${cure}\n` })
    }
  } finally {
    server.close()
  }
})
