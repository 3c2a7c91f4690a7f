import type { Server } from 'node:http'
import transport from 'spdy-transport'
import type { SpdyConnection, SpdyStream } from 'spdy-transport'
import { createWebSocketStream } from 'ws'
import type { WebSocket } from 'ws'
import { createEchoService } from './echo-service.ts'

const echoPort = '8080'
const mostStreams = 200
/** Below the 2^31-1 at which spdy-transport takes a window for overflown. */
const wideWindowBytes = 2 ** 30

/**
 * Serves `kubectl port-forward`: SPDY frames inside a WebSocket. Each forwarded connection is a pair of streams,
 * `error` and `data`; the data of port 8080 goes to the built-in HTTP echo service.
 */
export function forwardPorts(socket: WebSocket, podName: string): void {
  const tunnel = createWebSocketStream(socket)
  const echo = createEchoService(podName)
  const connection = transport.connection.create(tunnel, {
    protocol: 'spdy',
    isServer: true,
    maxStreams: mostStreams,
    windowSize: wideWindowBytes,
  })
  connection.on('error', () => socket.terminate())
  allowStreamsWithoutPath(connection)
  const errorStreams = new Map<string, SpdyStream>()
  connection.on('stream', (stream) => acceptStream(stream, echo, errorStreams))
  socket.once('close', () => echo.close())
  connection.start(3)
}

/** kubectl opens the error stream of a connection first, and names both by the same request id. */
function acceptStream(stream: SpdyStream, echo: Server, errorStreams: Map<string, SpdyStream>): void {
  stream.on('error', () => stream.destroy())
  // kubectl's SPDY knows no flow control: it never grants more than the first 64 KiB.
  stream._spdyState.window.send.update(wideWindowBytes)
  stream.respond(200, {})
  const { streamtype, port, requestid = '' } = stream.headers
  if (streamtype === 'error') {
    stream.resume()
    errorStreams.set(requestid, stream)
    stream.once('close', () => errorStreams.delete(requestid))
    return
  }
  const errorStream = errorStreams.get(requestid)
  if (port !== echoPort) {
    errorStream?.end(`failed to connect to port ${port}: the playground's pods listen on ${echoPort} only`)
    stream.end()
    return
  }
  // kubectl counts a connection as open until its error stream ends; an empty one says that all was well.
  stream.once('close', () => errorStream?.end())
  echo.emit('connection', stream)
}

/** spdy-transport is made for HTTP and refuses a stream without `:method` and `:path`, which kubectl never sends. */
function allowStreamsWithoutPath(connection: SpdyConnection): void {
  const { parser } = connection._spdyState
  const parseHeaders = parser.parseKVs.bind(parser)
  parser.parseKVs = (buffer, done) => {
    parseHeaders(buffer, (error, headers) => done(error, { ':method': 'POST', ':path': '/', ...headers }))
  }
}
