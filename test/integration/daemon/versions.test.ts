import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FrameReader } from '../../../src/protocol/channel.ts'
import { decodeError, encodeRequest } from '../../../src/protocol/frame.ts'
import { errorId, protocolVersion } from '../../../src/protocol/messages.ts'
import { good, makeHome } from '../../fixtures/home.ts'

test.each([
  ['older', protocolVersion - 1],
  ['newer', protocolVersion + 1],
  ['newest', 0xffff],
])('a client of the %s version is told so, with the cure, and nothing is done', async (_, version) => {
  await using home = makeHome()
  good(await home.kubeguard(['daemon', 'start']))
  const request = encodeRequest('daemon.stop', {})
  request.writeUInt16BE(version, 4)
  const socket = connect(join(home.guardHome, 'run', 'daemon.sock'))
  const data = once(socket, 'data') as Promise<[Buffer]>
  socket.write(request)
  const [answer] = new FrameReader().push((await data)[0])
  socket.destroy()
  expect(answer?.id).toBe(errorId)
  expect(decodeError(answer?.body ?? Buffer.alloc(0))).toEqual({
    code: 'version-mismatch',
    message: `the daemon speaks protocol ${protocolVersion}, this client ${version}`,
    cure: 'run: kubeguard daemon restart',
    exitCode: 75,
  })
  expect(await home.daemonPid()).toBeDefined()
})
