import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { dirs, ensurePlaces, places } from '../../../src/platform/dirs.ts'
import type { Dirs } from '../../../src/platform/dirs.ts'

/** A KUBEGUARD_HOME of the test's own, which this process uses until the test ends. */
export function guardHome(): Dirs {
  const root = mkdtempSync(join(tmpdir(), 'kg-'))
  const before = process.env['KUBEGUARD_HOME']
  process.env['KUBEGUARD_HOME'] = root
  onTestFinished(() => {
    if (before === undefined) delete process.env['KUBEGUARD_HOME']
    else process.env['KUBEGUARD_HOME'] = before
    rmSync(root, { recursive: true, force: true })
  })
  const found = dirs()
  ensurePlaces(found)
  return found
}

export function nameSocket(found: Dirs, socket: string): void {
  writeFileSync(places.lockFile(found), `${socket}\n`, { mode: 0o600 })
}

/** A daemon that does what the test says with each connection; the lock file names it. */
export async function scriptedDaemon(found: Dirs, script: (socket: Socket) => void): Promise<Server> {
  const server = await listen(places.socket(found), script)
  nameSocket(found, places.socket(found))
  return server
}

export async function listen(path: string, script: (socket: Socket) => void): Promise<Server> {
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('end', () => socket.end())
    script(socket)
  })
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
  await once(server.listen(path), 'listening')
  chmodSync(path, 0o600)
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return server
}

/** Answers the first thing that comes with these bytes. */
export const answer = (bytes: Buffer) => (socket: Socket) =>
  void socket.once('data', () => socket.write(bytes))
