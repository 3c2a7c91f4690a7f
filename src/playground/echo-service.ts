import { createServer } from 'node:http'
import type { Server } from 'node:http'

const mostBodyBytes = 8 * 1024 * 1024

/**
 * The service on port 8080 of each pod. It listens nowhere: connections are handed to it.
 * @returns an HTTP server that sends a request's body back, or says where it is when there is none.
 */
export function createEchoService(podName: string): Server {
  return createServer((request, response) => {
    const about = { pod: podName, method: request.method, path: request.url }
    if (
      request.headers['content-length'] === undefined &&
      request.headers['transfer-encoding'] === undefined
    ) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify(about)}\n`)
      return
    }
    let length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > mostBodyBytes) request.destroy()
    })
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    request.pipe(response)
  })
}
