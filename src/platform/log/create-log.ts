import { pino } from 'pino'
import { plainText } from '../../domain/plain-text.ts'
import type { Log } from '../../usecases/ports.ts'
import { isSecretName, maskSecrets, withheld } from '../secret-guard.ts'
import { RotatingFile, usualRotation } from './rotating-file.ts'
import type { RotationLimits } from './rotating-file.ts'

export type LogLevel = 'error' | 'warn' | 'info'

export interface LogOptions {
  readonly file: string
  readonly level: LogLevel
  readonly rotation?: RotationLimits
}

/** A log that lets go of its file. */
export type FileLog = Log & { close(): void }

type Facts = Record<string, string | number | boolean>

const mostTextCharacters = 1_000

/** Names that pino gives to its own fields. */
const taken = new Set(['level', 'time', 'msg'])

/**
 * A log of one JSON object per line. A line that can't be written is dropped: the log never ends the daemon,
 * and what looks like a secret is withheld. Not for hot paths: each line is a system call.
 */
export function createLog({ file, level, rotation = usualRotation }: LogOptions): FileLog {
  const sink = new RotatingFile(file, rotation)
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
