import { closeSync, constants, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as v from 'valibot'
import { GuardError } from '../domain/errors.ts'
import type { MaterialisedUser } from '../domain/materialised.ts'
import { policyOfTrace } from '../domain/trace-id.ts'
import type { Traces } from '../usecases/ports.ts'
import { tryLock } from './libc.ts'
import { makeOwnFolder, readOwnFile, removeOwnFile, temporariesOf, writeOwnFile } from './own-files.ts'

/** What an open session has on disk, in names: no secret. */
export interface Trace {
  readonly policy: string
  /** Paths and globs relative to the home. */
  readonly places: readonly string[]
  /** What is to be run once the session is over. */
  readonly onLock: readonly string[]
  /** What may stand in kubeconfigs in plain text: noted before it is put there. */
  readonly materialised: readonly MaterialisedUser[]
  /** Its session is over, and this is what could not be wiped: nothing is put anywhere for it any more. */
  readonly isClosed?: boolean | undefined
}

const traceSchema = v.object({
  version: v.literal(1),
  policy: v.string(),
  places: v.array(v.string()),
  onLock: v.optional(v.array(v.string()), []),
  materialised: v.optional(
    v.array(
      v.object({
        path: v.string(),
        file: v.string(),
        user: v.string(),
        credential: v.string(),
        exec: v.unknown(),
        salt: v.string(),
        digests: v.record(v.string(), v.string()),
      }),
    ),
    [],
  ),
  isClosed: v.optional(v.boolean()),
})

/** A policy may have thousands of credentials. */
const mostBytes = 16 * 1024 * 1024
/** A session more whose trace could not be wiped is one file more, until one sweep puts them together. */
const namePattern = /^([a-z0-9][a-z0-9._-]{0,62})~[0-9a-f]{16}$/
const extension = '.json'

/** The daemon's side: it writes a trace before a session opens. @param folder `state/traces` */
export function createTraces(folder: string): Traces {
  return {
    begin: (id, what) => {
      makeOwnFolder(folder)
      writeTrace(folder, id, { policy: policyOfTrace(id), materialised: [], ...what })
    },
    drop: (id) => removeTrace(folder, id),
    ids: () => traceIds(folder),
    materialised: (ids) =>
      ids
        .flatMap((id) => readTrace(folder, id)?.materialised ?? [])
        .map(({ user, file }) => ({ user, file })),
  }
}

/** Every trace that there is; those that can’t be read left out. */
export const allTraces = (folder: string): Trace[] =>
  traceIds(folder).flatMap((id) => readTrace(folder, id) ?? [])

export function traceIds(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(extension))
      .map((name) => name.slice(0, -extension.length))
      .filter((id) => namePattern.test(id))
  } catch {
    return []
  }
}

/** @returns undefined where there is none. One that can't be read counts as empty: its policy’s rules are left. */
export function readTrace(folder: string, id: string): Trace | undefined {
  try {
    const bytes = readOwnFile(tracePath(folder, id), mostBytes)
    return bytes === undefined ? undefined : v.parse(traceSchema, JSON.parse(bytes.toString()))
  } catch {
    return { policy: policyOfTrace(id), places: [], onLock: [], materialised: [] }
  }
}

/** Durable when it returns. @throws GuardError disk-full, place-unsafe */
export function writeTrace(folder: string, id: string, trace: Trace): void {
  writeOwnFile(tracePath(folder, id), `${JSON.stringify({ version: 1, ...trace })}\n`)
}

/** And what a writer of it that was killed has left beside it. */
export function removeTrace(folder: string, id: string): void {
  const path = tracePath(folder, id)
  for (const stray of temporariesOf(path)) removeOwnFile(stray)
  removeOwnFile(path)
}

export function tracePath(folder: string, id: string): string {
  if (!namePattern.test(id)) throw new GuardError('internal', 'that is no trace')
  return join(folder, `${id}${extension}`)
}

const patienceMs = 15_000
const pollMs = 20

/** Runs work while no other scribe is at work on traces. @throws GuardError internal after 15 s of waiting */
export async function withTraces<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  makeOwnFolder(folder)
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const giveUpAt = performance.now() + patienceMs
    while (!tryLock(descriptor)) {
      if (performance.now() > giveUpAt) throw new GuardError('internal', 'another sweep does not end')
      await delay(pollMs)
    }
    return await work()
  } finally {
    closeSync(descriptor)
  }
}
