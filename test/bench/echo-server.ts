/** Answers whatever comes to the socket in argv[2] with one fixed frame: the round trip that a gate can't be faster than. */
import { createServer } from 'node:net'
import { encodeReply } from '../../src/protocol/frame.ts'

const reply = encodeReply('gate.check', { verdict: 'allow' })
const server = createServer((socket) => {
  socket.on('data', () => socket.write(reply))
  socket.on('error', () => {})
})
server.listen(process.argv[2])
