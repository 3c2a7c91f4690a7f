import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { makeOwnFolder, readOwnFile, removeOwnFile, writeOwnFile } from './own-files.ts'
import { hasEnded, readProcStat } from './processes/proc-stat.ts'

/** A session whose lock stands here, and not yet in its cluster. */
export interface PendingRevocation {
  readonly policy: string
  readonly server: string
  /** The session's name in the cluster. */
  readonly name: string
  readonly sinceMs: number
  /** Its token is dead by itself by then. */
  readonly untilMs: number
}

const noteSchema = v.object({
  version: v.literal(1),
  policy: v.string(),
  server: v.string(),
  name: v.string(),
  sinceMs: v.number(),
  untilMs: v.number(),
  pid: v.number(),
  startTicks: v.number(),
})

const mostBytes = 16 * 1024
const mostNotes = 1_000
const namePattern = /^kubeguard-session\.[a-z0-9.-]{1,220}\.json$/

/** Writes down that this process is at it. @returns what takes the note away again */
export function noteRevocation(folder: string, pending: PendingRevocation): () => void {
  makeOwnFolder(folder)
  const path = join(folder, `${pending.name}.json`)
  const { pid } = process
  const note = { version: 1, ...pending, pid, startTicks: readProcStat(pid)?.startTicks ?? 0 }
  writeOwnFile(path, JSON.stringify(note))
  return () => removeOwnFile(path)
}

/**
 * What is pending, and whether somebody is still at it. A note that has outlived its time is taken away: nothing is to be
 * revoked any more.
 */
export function pendingRevocations(
  folder: string,
  nowMs: number,
): (PendingRevocation & { readonly isTried: boolean })[] {
  return namesIn(folder).flatMap((name) => {
    const path = join(folder, name)
    const note = readNote(path)
    if (note === undefined) return []
    const { pid, startTicks, version: _, ...pending } = note
    const stat = readProcStat(pid)
    const isTried = stat !== undefined && stat.startTicks === startTicks && !hasEnded(stat)
    if (isTried || nowMs < pending.untilMs) return [{ ...pending, isTried }]
    removeOwnFile(path)
    return []
  })
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => namePattern.test(name))
      .slice(0, mostNotes)
  } catch {
    return []
  }
}

function readNote(path: string): v.InferOutput<typeof noteSchema> | undefined {
  try {
    return v.parse(noteSchema, JSON.parse(readOwnFile(path, mostBytes)?.toString() ?? ''))
  } catch {
    return undefined
  }
}
