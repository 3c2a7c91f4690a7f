import { Socket } from 'node:net'
import { hardenProcess } from '../hardening/harden-process.ts'
import { bootTimeMs } from '../platform/libc.ts'
import { Watcher } from '../platform/processes/watcher.ts'
import { FrameReader } from '../protocol/channel.ts'
import type { Frame } from '../protocol/channel.ts'
import { decodeRequest, encodeReply, requestName } from '../protocol/frame.ts'
import { protocolVersion } from '../protocol/messages.ts'

/** The daemon's end of the socket pair. */
const lineFd = 3

/** As native/reaper/main.c. */
const deadlineGraceMs = 2_000
const silenceMs = 20_000
const longestWaitMs = 1_000
const lookDelayMs = 250
/** As much as the reply holds. */
const mostLeft = 1_024

const watcher = new Watcher([process.pid, process.ppid])
const deadlines = new Map<number, { deadlineBootMs: number; lifetimeWallMs: number }>()
const endings = new Map<number, Promise<string>>()
let heardMs = bootTimeMs()
let look: NodeJS.Timeout | undefined

/** Ends clients where the daemon asks for it, and where it can't: what native/reaper/main.c does, without a compiler. */
function main(): void {
  hardenProcess()
  // Ctrl-C and its like are for the clients; a terminal that hangs up is not ours.
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const)
    process.on(signal, () => undefined)
  const line = new Socket({ fd: lineFd, readable: true, writable: true })
  const reader = new FrameReader()
  line.on('data', (chunk: Buffer) => {
    heardMs = bootTimeMs()
    try {
      for (const frame of reader.push(chunk)) serve(frame, line)
    } catch {
      line.destroy()
    }
  })
  line.on('error', () => line.destroy())
  line.on('end', () => line.destroy())
  line.on('close', () => void endAllAndLeave())
  setInterval(keepRules, longestWaitMs)
}

function serve(frame: Frame, line: Socket): void {
  if (frame.version !== protocolVersion) throw new Error('another version')
  const { body } = frame
  switch (requestName(frame.id)) {
    case 'reaper.watch': {
      const { group, pid, startTicks, graceMs, alone } = decodeRequest('reaper.watch', body)
      watcher.watch({ id: { pid, startTicks }, graceMs, alone }, group)
      look ??= setTimeout(lookAround, lookDelayMs)
      return void line.write(encodeReply('reaper.watch', {}))
    }
    case 'reaper.forget': {
      const { pid, startTicks } = decodeRequest('reaper.forget', body)
      watcher.forget(pid, startTicks)
      return void line.write(encodeReply('reaper.forget', {}))
    }
    case 'reaper.spare': {
      watcher.spare(decodeRequest('reaper.spare', body))
      return void line.write(encodeReply('reaper.spare', {}))
    }
    case 'reaper.live': {
      const { group, ...times } = decodeRequest('reaper.live', body)
      deadlines.set(group, times)
      lookAround()
      return void line.write(encodeReply('reaper.live', { watched: watcher.size }))
    }
    case 'reaper.end': {
      const { group } = decodeRequest('reaper.end', body)
      return void endGroup(group, 'spare').then((left) =>
        line.write(encodeReply('reaper.end', { group, left: left.slice(0, mostLeft) })),
      )
    }
    default:
      throw new Error('not for the reaper')
  }
}

/** One group is ended once, whoever asks first: the daemon or its deadline. */
async function endGroup(group: number, held: 'spare' | 'too' = 'too'): Promise<string> {
  deadlines.delete(group)
  const before = endings.get(group)
  const now = Promise.all([before, watcher.endGroup(group, held)]).then((both) =>
    both.filter((left) => left !== undefined && left !== '').join(', '),
  )
  endings.set(group, now)
  const left = await now
  if (endings.get(group) === now) endings.delete(group)
  return left
}

function lookAround(): void {
  clearTimeout(look)
  look = undefined
  watcher.lookAround()
}

/** A deadline has passed by two seconds, or nothing was heard for too long: nobody is waited for. */
function keepRules(): void {
  const bootMs = bootTimeMs()
  for (const [group, { deadlineBootMs, lifetimeWallMs }] of deadlines) {
    const pastMs = Math.max(bootMs - deadlineBootMs, Date.now() - lifetimeWallMs)
    if (pastMs >= deadlineGraceMs) void endGroup(group)
  }
  if (bootMs - heardMs >= silenceMs) void endAllAndLeave()
}

async function endAllAndLeave(): Promise<void> {
  heardMs = Infinity
  await Promise.all([watcher.endAll(), ...endings.values()])
  process.exit(0)
}

main()
