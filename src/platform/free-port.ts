import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below what Linux gives out by itself (ip(7), ip_local_port_range), above what services register. */
const range = { from: 20_000, to: 29_999 } as const
const mostTries = 200

/** A port of 127.0.0.1 that nobody has now, at random. @throws Error where none is found */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const port = randomInt(range.from, range.to + 1)
    if (await isFree(port)) return port
  }
  throw new Error('no free port was found')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
