import { ftruncateSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { hardenProcess } from '../hardening/harden-process.ts'
import { FrameReader } from '../protocol/channel.ts'
import type { Frame } from '../protocol/channel.ts'
import { decodeRequest, encodeReply, requestName } from '../protocol/frame.ts'
import { protocolVersion } from '../protocol/messages.ts'
import { ProgramScreen } from './program-screen.ts'
import { LogReader } from './read-log.ts'

/** What the supervisor gives it (native/supervisor/screen.c): its end of a socket pair, the log, and room for what is drawn. */
const lineFd = 3
const logFd = 4
const drawnFd = 5

const log = new LogReader(logFd)
const screen = new ProgramScreen()

/** Knows what is on the screen of a program: the supervisor's log tells it. Ends with the supervisor. */
function main(): void {
  hardenProcess()
  const line = new Socket({ fd: lineFd, readable: true, writable: true })
  const reader = new FrameReader()
  line.on('data', (chunk: Buffer) => {
    for (const frame of reader.push(chunk)) serve(frame, line).catch(leave)
  })
  line.on('error', leave)
  line.on('close', leave)
}

/** It asks one thing at a time. */
async function serve(frame: Frame, line: Socket): Promise<void> {
  if (frame.version !== protocolVersion || requestName(frame.id) !== 'screen.follow')
    throw new Error('not a request')
  const { end, draw, overlay, begin } = decodeRequest('screen.follow', frame.body)
  for (const record of log.upTo(end, begin)) await screen.take(record)
  const over = overlay === undefined ? undefined : screen.overlay(overlay)
  const drawn = Buffer.from(over?.over ?? (draw ? screen.draw() : ''))
  const back = Buffer.from(over?.back ?? '')
  write(Buffer.concat([drawn, back]))
  line.write(encodeReply('screen.follow', { length: drawn.length, back: back.length }))
}

function write(bytes: Buffer): void {
  ftruncateSync(drawnFd, 0)
  for (let at = 0; at < bytes.length; at += writeSync(drawnFd, bytes, at, bytes.length - at, at));
}

/** The supervisor sees its end, and starts another or ends the stream. */
function leave(): void {
  process.exit(1)
}

main()
