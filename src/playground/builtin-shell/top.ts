import { pause } from './pause.ts'
import type { ProgramWorld } from './program.ts'

const refreshMs = 1000
const processes = [
  '    1     0 playgro S     1640   0%   0% /app/server --listen :8080',
  '    7     1 playgro S     1612   0%   0% /app/worker',
  '   19     0 playgro R     1604   0%   0% top',
]

/** A screen that redraws each second, as one that people leave open. `q` and Ctrl-C end it; `-n N` counts. */
export async function top(args: readonly string[], world: ProgramWorld): Promise<number> {
  const index = args.indexOf('-n')
  const rounds = index === -1 ? Number.POSITIVE_INFINITY : Number(args[index + 1])
  const ended = new AbortController()
  const signal = AbortSignal.any([world.signal, ended.signal])
  const { terminal } = world
  terminal?.setMode('raw')
  const unsubscribe = terminal?.onResize(() => void world.write(screen(world)))
  if (terminal !== undefined) void endOnKey(world, ended)
  try {
    for (let round = 0; round < rounds && !signal.aborted; round += 1) {
      if (round > 0) await pause(refreshMs, signal)
      if (!signal.aborted) await world.write(screen(world))
    }
  } finally {
    ended.abort()
    unsubscribe?.()
    terminal?.setMode('line')
  }
  return 0
}

async function endOnKey(world: ProgramWorld, ended: AbortController): Promise<void> {
  const next = (): Promise<Buffer | undefined> => world.read(ended.signal)
  for (let keys = await next(); keys !== undefined; keys = await next()) {
    if (keys.includes('q') || keys.includes(0x03)) return ended.abort()
  }
}

function screen({ terminal, podName }: ProgramWorld): string {
  const lines = [
    `top - ${new Date().toISOString().slice(11, 19)} ${podName}, ${processes.length} processes`,
    'Mem: 1048576K used, 7340032K free',
    '  PID  PPID USER    STAT   VSZ %VSZ %CPU COMMAND',
    ...processes,
  ]
  if (terminal === undefined) return `${lines.join('\n')}\n`
  const { rows, columns } = terminal.size
  return `\x1b[H\x1b[J${lines
    .slice(0, rows)
    .map((line) => line.slice(0, columns))
    .join('\n')}`
}
