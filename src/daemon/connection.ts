import type { Socket } from 'node:net'
import { FrameReader } from '../protocol/channel.ts'
import type { Frame } from '../protocol/channel.ts'
import { limits } from '../protocol/limits.ts'

/** Answers one frame, or ends the connection by throwing. `gone` is aborted when the client has left. */
export type Answer = (frame: Frame, gone: () => AbortSignal) => Promise<Buffer>

/** What one client has in flight may not grow past this: answers come in order, one at a time. */
const queuedFrames = 64

/**
 * Serves one client: frames in, answers out, in order. Whatever the client does wrong (slow, half-open,
 * malformed, oversized, gone) costs this connection and nothing else.
 * @returns whether nothing of this client's is being answered now.
 */
export function serveConnection(socket: Socket, answer: Answer): () => boolean {
  const reader = new FrameReader()
  let queue: Promise<void> = Promise.resolve()
  let waiting = 0
  const deadline = connectionDeadline(socket)
  const departure = lazyDeparture()

  const work = async (frame: Frame): Promise<void> => {
    if (socket.destroyed) return
    const reply = await answer(frame, departure.signal)
    if (socket.writable) socket.write(reply)
    waiting -= 1
    deadline.answered(waiting > 0, reader.midFrame)
  }
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of reader.push(chunk)) {
        waiting += 1
        if (waiting > queuedFrames) throw new Error('too many requests at once')
        queue = queue.then(() => work(frame))
        queue.catch(() => socket.destroy())
      }
      deadline.heard(waiting > 0, reader.midFrame)
    } catch {
      socket.destroy()
    }
  })
  socket.on('end', () => {
    // What is answered at once is still answered; what waits for something to happen is not.
    departure.happens()
    const part = (): void => void (socket.writableLength > 0 ? socket.end() : socket.destroy())
    void queue.then(part, part)
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    departure.happens()
    deadline.clear()
  })
  return () => waiting === 0
}

/** Most answers come at once and need no signal of the client's departure, which is dear: it is made when asked for. */
function lazyDeparture(): { signal: () => AbortSignal; happens: () => void } {
  let controller: AbortController | undefined
  let hasHappened = false
  return {
    signal() {
      controller ??= new AbortController()
      if (hasHappened) controller.abort()
      return controller.signal
    },
    happens() {
      hasHappened = true
      controller?.abort()
    },
  }
}

/** A frame that has begun must be finished soon; a client that says nothing is let go later. */
function connectionDeadline(socket: Socket): {
  heard(answering: boolean, midFrame: boolean): void
  answered(answering: boolean, midFrame: boolean): void
  clear(): void
} {
  let timer = setTimeout(() => socket.destroy(), limits.frameTimeoutMs)
  timer.unref()
  let frameTimed = true
  const set = (answering: boolean, midFrame: boolean): void => {
    // A slow sender must not win time with each byte: the frame's own limit runs on.
    if (midFrame && frameTimed) return
    frameTimed = midFrame
    clearTimeout(timer)
    if (answering && !midFrame) return
    timer = setTimeout(() => socket.destroy(), midFrame ? limits.frameTimeoutMs : limits.idleConnectionMs)
    timer.unref()
  }
  return { heard: set, answered: set, clear: () => clearTimeout(timer) }
}
