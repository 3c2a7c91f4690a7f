import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { GuardError } from '../../domain/errors.ts'
import { identityOf, sameIdentity } from '../scribes/file-identity.ts'
import type { FileIdentity } from '../scribes/file-identity.ts'
import { lockPath } from './kubectl-lock.ts'

/** Larger than any kubeconfig that kubectl could load in reasonable time. */
const maxBytes = 32 * 1024 * 1024

/** /dev/null (null(4)): KUBECONFIG=/dev/null is a way to say that there is none. */
const nullDevice = BigInt(0x103)

/** kubectl rewrites a file in place, for about a millisecond, while its lock file exists. */
const writerPatienceMs = 250
const writerPollMs = 5

/** The bytes of a kubeconfig at one moment, and which file they were read from. */
export interface Snapshot {
  /** As it was named. */
  readonly path: string
  /** The file behind any symlinks: the one that is replaced. */
  readonly real: string
  readonly bytes: Buffer
  readonly text: string
  readonly identity: FileIdentity
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Names that the file has; more than one means hard links, which a replacement does not reach. */
  readonly names: number
}

/**
 * Reads a kubeconfig whole: waits while kubectl holds its lock, and reads again when the file changed
 * under the read.
 *
 * @returns undefined when there is no such file, as kubectl has it
 * @throws GuardError kubeconfig-invalid
 */
export async function readKubeconfig(path: string): Promise<Snapshot | undefined> {
  const giveUpAt = performance.now() + writerPatienceMs
  for (;;) {
    const busy = existsSync(lockPath(path))
    const snapshot = readOnce(path)
    if (snapshot === undefined) return undefined
    const settled = !busy && !existsSync(lockPath(path)) && sameIdentity(snapshot.identity, identityAt(path))
    // A lock that stays is a dead kubectl's: reading needs none.
    if (settled || performance.now() > giveUpAt) return snapshot
    await delay(writerPollMs)
  }
}

/** @returns undefined when there is no such file */
export function readOnce(path: string): Snapshot | undefined {
  const descriptor = open(path)
  if (descriptor === undefined) return undefined
  try {
    const facts = fstatSync(descriptor, { bigint: true })
    if (facts.isCharacterDevice() && facts.rdev === nullDevice) return undefined
    if (!facts.isFile()) throw unreadable(path, 'is not a regular file')
    if (facts.size > maxBytes) throw unreadable(path, 'is larger than 32 MiB')
    const bytes = readFileSync(descriptor)
    return { path, real: realpathSync(path), bytes, text: decode(path, bytes), ...described(facts) }
  } catch (error) {
    if (error instanceof GuardError) throw error
    throw unreadable(path, `can't be read (${codeOf(error)})`)
  } finally {
    closeSync(descriptor)
  }
}

function described(facts: BigIntStats): Pick<Snapshot, 'identity' | 'mode' | 'uid' | 'gid' | 'names'> {
  return {
    identity: identityOf(facts),
    mode: Number(facts.mode & 0o7777n),
    uid: Number(facts.uid),
    gid: Number(facts.gid),
    names: Number(facts.nlink),
  }
}

function identityAt(path: string): FileIdentity | undefined {
  const facts = statSync(path, { bigint: true, throwIfNoEntry: false })
  return facts === undefined ? undefined : identityOf(facts)
}

/** O_NONBLOCK: a FIFO in the file's place must not hang the job. */
function open(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw unreadable(path, `can't be read (${codeOf(error)})`)
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(path: string, bytes: Buffer): string {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    throw unreadable(path, 'is not UTF-8 text')
  }
}

const unreadable = (path: string, wrong: string): GuardError =>
  new GuardError('kubeconfig-invalid', `${path} ${wrong}`)

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error'
