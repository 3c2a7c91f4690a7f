import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { dirs, places } from '../../../../../src/platform/dirs.ts'
import { acquireDaemonLock } from '../../../../../src/platform/lock-file.ts'
import { FrameReader } from '../../../../../src/protocol/channel.ts'
import { encodeError, encodeReply, requestName } from '../../../../../src/protocol/frame.ts'

/**
 * Stands in for the daemon where a client's start and stop are tested; a file in the state folder says how
 * it behaves: `usual`, `slow` to start, `old` (of another protocol), `deaf` (also to SIGTERM), `crash`.
 */
const found = dirs()
const manner = readFileSync(join(found.state, 'manner'), 'utf8')
if (manner === 'crash') process.exit(3)
const lock = acquireDaemonLock(places.lockFile(found))
if (lock === undefined) {
  writeFileSync(join(found.state, 'lost'), '')
  process.exit(0)
}
if (manner === 'slow') await pause(700)
if (manner === 'deaf') process.on('SIGTERM', () => undefined)

function oldVersion(): Buffer {
  const frame = encodeError({ code: 'version-mismatch', message: 'm', cure: 'c', exitCode: 75 })
  frame.writeUInt16BE(9, 4)
  return frame
}

function answer(socket: Socket, id: number): void {
  if (manner === 'deaf') return
  if (manner === 'old') socket.end(oldVersion())
  else if (requestName(id) === 'daemon.stop')
    socket.end(encodeReply('daemon.stop', {}), () => process.exit(0))
  else socket.end(encodeReply('daemon.status', { report: { pid: process.pid } }))
}

const server = createServer((socket) => {
  const reader = new FrameReader()
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    for (const { id } of reader.push(chunk)) answer(socket, id)
  })
})
rmSync(places.socket(found), { force: true })
server.listen(places.socket(found), () => lock.publish(places.socket(found)))
// A test that fails may leave it behind.
setTimeout(() => process.exit(1), 60_000)
