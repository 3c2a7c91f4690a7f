import { statSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import type { Kubeconfigs, Log, Outline } from '../../usecases/ports.ts'
import { identityOf, sameIdentity } from './file-identity.ts'
import type { FileIdentity } from './file-identity.ts'
import type { OutlinedFile } from './job.ts'
import type { RunScribe } from './run-scribe.ts'
import { ScribeQueue } from './scribe-queue.ts'

/** Files whose outline is kept; the least recently used goes first. */
const mostKept = 64

/** A scribe at work on a file that was found like this. */
interface Reading {
  readonly identity: FileIdentity
  readonly file: Promise<OutlinedFile>
}

/**
 * The daemon's way to kubeconfigs: every file is opened by a scribe, in a process of its own. Outlines
 * are kept until a file's inode, size or times change, so that an unchanged file costs one stat(2).
 */
export function createKubeconfigs(options: { log: Log } & RunScribe): Kubeconfigs {
  const kept = new Map<string, OutlinedFile>()
  const running = new Map<string, Reading>()
  const scribes = new ScribeQueue(options)

  const keep = (file: OutlinedFile): void => {
    kept.delete(file.path)
    if (file.identity === undefined) return
    kept.set(file.path, file)
    const oldest = kept.keys().next().value
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
  }

  /** One scribe for all these files, and for everybody who asks for them as they are now. */
  const read = (wanted: ReadonlyMap<string, FileIdentity>): void => {
    if (wanted.size === 0) return
    const job = scribes.run({ job: 'outline', paths: [...wanted.keys()] })
    for (const [path, identity] of wanted) {
      const file = job.then((files) => files.find((candidate) => candidate.path === path) ?? { path })
      const reading: Reading = { identity, file }
      running.set(path, reading)
      const forget = (): void => {
        if (running.get(path) === reading) running.delete(path)
      }
      file.then(keep, () => undefined).finally(forget)
    }
  }

  const outlined = async (paths: readonly string[]): Promise<OutlinedFile[]> => {
    const identities = new Map<string, FileIdentity>()
    for (const path of paths) noteIdentity(identities, path)
    const stale = [...identities].filter(
      ([path, identity]) =>
        !sameIdentity(kept.get(path)?.identity, identity) &&
        !sameIdentity(running.get(path)?.identity, identity),
    )
    read(new Map(stale))
    return Promise.all(
      paths.map((path) => {
        if (!identities.has(path)) return { path }
        const known = kept.get(path)
        return sameIdentity(known?.identity, identities.get(path)) ? known : running.get(path)?.file
      }),
    ).then((files) => files.filter((file) => file !== undefined))
  }

  return {
    outlines: async (paths) => {
      const files = await outlined(paths.map(requireText))
      return files.flatMap(outlineOf)
    },
    sweep: async (order) => scribes.run({ job: 'sweep', ...order, paths: order.paths.map(requireText) }),
    unmaterialise: async ({ traces }) => scribes.run({ job: 'unmaterialise', traces }),
    absorb: async (order) => scribes.run({ job: 'absorb', ...order, paths: order.paths.map(requireText) }),
    giveBack: async (order) =>
      scribes.run({ job: 'give-back', ...order, paths: order.paths.map(requireText) }),
    adopt: async (order) => scribes.run({ job: 'adopt', ...order, paths: order.paths.map(requireText) }),
  }
}

function outlineOf({ outline, failure }: OutlinedFile): Outline[] {
  if (failure !== undefined) throw new GuardError(failure.code, failure.message, { cure: failure.cure })
  return outline === undefined ? [] : [outline]
}

/** Leaves out a file that is not there; one that can't be looked at is for the scribe to complain about. */
function noteIdentity(identities: Map<string, FileIdentity>, path: string): void {
  try {
    // Not through the thread pool: handing it over costs more than the call, and this is on every check.
    identities.set(path, identityOf(statSync(path, { bigint: true })))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    identities.set(path, { device: '', inode: '', size: '', modifiedNs: '', changedNs: '' })
  }
}

/**
 * What decoding leaves of bytes that are not UTF-8. Such a path would lead to another file, or to none,
 * which would look like a kubeconfig without contexts.
 */
const undecodable = '\ufffd'

function requireText(path: string): string {
  if (!path.includes(undecodable)) return path
  throw new GuardError('kubeconfig-invalid', 'the path of a kubeconfig is not UTF-8 text', {
    cure: 'give the file, or the folder that it is in, another name',
  })
}
