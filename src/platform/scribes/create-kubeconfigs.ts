import { stat } from 'node:fs/promises'
import { GuardError } from '../../domain/errors.ts'
import type { Kubeconfigs, Log, Outline } from '../../usecases/ports.ts'
import { identityOf, sameIdentity } from './file-identity.ts'
import type { FileIdentity } from './file-identity.ts'
import type { OutlinedFile } from './job.ts'
import { runScribe } from './run-scribe.ts'
import type { RunScribe } from './run-scribe.ts'

/** Files whose outline is kept; the least recently used goes first. */
const mostKept = 64

/**
 * The daemon's way to kubeconfigs: every file is opened by a scribe, in a process of its own. Outlines
 * are kept until a file's inode, size or times change, so that an unchanged file costs one stat(2).
 */
export function createKubeconfigs(options: { log: Log } & RunScribe): Kubeconfigs {
  const kept = new Map<string, OutlinedFile>()
  const running = new Map<string, Promise<OutlinedFile>>()

  const keep = (file: OutlinedFile): void => {
    kept.delete(file.path)
    if (file.identity === undefined) return
    kept.set(file.path, file)
    const oldest = kept.keys().next().value
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
  }

  const readAll = (paths: readonly string[]): void => {
    if (paths.length === 0) return
    const job = runScribe({ job: 'outline', paths }, options)
    for (const path of paths) {
      const one = job.then((files) => files.find((file) => file.path === path) ?? { path })
      running.set(path, one)
      one.then(keep, () => undefined).finally(() => running.delete(path))
    }
  }

  /** One scribe for all files that changed, and one for everybody who asks meanwhile. */
  const outlined = async (paths: readonly string[]): Promise<OutlinedFile[]> => {
    const identities = await Promise.all(paths.map(identityAt))
    const known = paths.map((path, index) => fresh(kept.get(path), identities[index]))
    const exists = (_: string, index: number): boolean => identities[index] !== undefined
    readAll([...new Set(paths.filter((path, index) => exists(path, index) && !known[index] && !running.has(path)))])
    const waits = paths.map((path, index) => known[index] ?? (exists(path, index) ? running.get(path) : { path }))
    return Promise.all(waits.map(async (wait, index) => (await wait) ?? { path: paths[index] as string }))
  }

  return {
    outlines: async (paths) => {
      const files = await outlined(paths.map(pathText))
      return files.flatMap(outlineOf)
    },
    adopt: async (order) => runScribe({ job: 'adopt', ...order, paths: order.paths.map(pathText) }, options),
  }
}

function fresh(file: OutlinedFile | undefined, identity: FileIdentity | undefined): OutlinedFile | undefined {
  return sameIdentity(file?.identity, identity) ? file : undefined
}

function outlineOf({ outline, failure }: OutlinedFile): Outline[] {
  if (failure !== undefined) throw new GuardError(failure.code, failure.message, { cure: failure.cure })
  return outline === undefined ? [] : [outline]
}

/** undefined where there is no file; one that can't be looked at is left to the scribe to complain about. */
async function identityAt(path: string): Promise<FileIdentity | undefined> {
  try {
    return identityOf(await stat(path, { bigint: true }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return { device: '', inode: '', size: '', modifiedNs: '', changedNs: '' }
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Paths come as bytes, one per character; ones that are UTF-8 become text, as all of Node takes them. */
function pathText(path: string): string {
  // oxlint-disable-next-line no-control-regex
  if (!/^[\0-\xff]*$/.test(path)) return path
  try {
    return strictUtf8.decode(Buffer.from(path, 'latin1'))
  } catch {
    return path
  }
}
