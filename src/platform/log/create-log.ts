import { destination, pino } from 'pino'
import { plainText } from '../../domain/plain-text.ts'
import type { Log } from '../../usecases/ports.ts'
import { isSecretName, maskSecrets, withheld } from '../secret-guard.ts'
import { rotate, sizeOf, usualRotation } from './rotate.ts'
import type { RotationLimits } from './rotate.ts'

export type LogLevel = 'error' | 'warn' | 'info'

export interface LogOptions {
  readonly file: string
  readonly level: LogLevel
  readonly rotation?: RotationLimits
}

/** A log that can be brought to the disk before the process ends. */
export type FileLog = Log & { close(): void }

type Facts = Record<string, string | number | boolean>

const mostTextCharacters = 1_000

/** Lines that wait while the disk takes none; more are dropped. */
const mostWaitingBytes = 256 * 1024

/** Names that pino gives to its own fields. */
const taken = new Set(['level', 'time', 'msg'])

/**
 * A log of one JSON object per line. Lines are written in the background, and one that can't be written is
 * dropped: the log never holds up or ends the daemon. What looks like a secret is withheld.
 */
export function createLog({ file, level, rotation = usualRotation }: LogOptions): FileLog {
  const sink = rotatingSink(file, rotation)
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: levelNames },
    sink,
  )
  const write = (at: LogLevel) => (message: string, facts?: Facts) => {
    logger[at](cleanFacts(facts ?? {}), cleanText(message))
  }
  return { info: write('info'), warn: write('warn'), error: write('error'), close: () => sink.close() }
}

const levelNames = { level: (level: string) => ({ level }) }

function rotatingSink(file: string, limits: RotationLimits): { write(line: string): void; close(): void } {
  let bytes = sizeOf(file)
  const put = (act: () => void): void => {
    try {
      act()
    } catch {
      // No folder, no right, no room: a log has no other place to say so.
    }
  }
  if (bytes >= limits.mostBytes) put(() => rotate(file, limits.files))
  bytes = sizeOf(file)
  const target = destination({ dest: file, sync: false, mode: 0o600, maxLength: mostWaitingBytes })
  target.on('error', () => undefined)
  return {
    write(line) {
      put(() => target.write(line))
      bytes += Buffer.byteLength(line)
      if (bytes < limits.mostBytes) return
      bytes = 0
      put(() => {
        rotate(file, limits.files)
        target.reopen()
      })
    },
    close() {
      put(() => target.flushSync())
      put(() => target.end())
    },
  }
}

function cleanFacts(facts: Facts): Facts {
  const clean: Facts = {}
  for (const [name, value] of Object.entries(facts)) {
    const kept = typeof value === 'string' ? cleanText(value) : value
    clean[taken.has(name) ? `${name}_` : name] = isSecretName(name) ? withheld : kept
  }
  return clean
}

function cleanText(text: string): string {
  return plainText(maskSecrets(text.slice(0, mostTextCharacters * 16)), mostTextCharacters)
}
