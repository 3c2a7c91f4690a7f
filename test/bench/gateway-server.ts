/** An API server that answers at once, or holds a watch, by HTTP/2 and 1.1; says where it is in one line. */
import { startTlsServer } from '../fixtures/tls-server.ts'

const server = await startTlsServer({ http2: true })
server.server.on('request', (request, response) => {
  response.on('error', () => {})
  if (request.url?.includes('watch=true') === true) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"type":"ADDED"}\n')
    return
  }
  const body = '{"kind":"PodList","items":[]}'
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
})
const { address, caPem } = server
process.stdout.write(`${JSON.stringify({ address, caPem, token: 'token' })}\n`)
