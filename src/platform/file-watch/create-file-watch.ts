import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FSWatcher } from 'chokidar'
import type { FileWatch, Log } from '../../usecases/ports.ts'
import { identityOf, stampOf } from '../scribes/file-identity.ts'
import { isOnNetwork } from './network-filesystem.ts'
import { watchPoints } from './watch-points.ts'

interface Options {
  readonly log: Pick<Log, 'warn'>
  /** Which folders are polled. */
  readonly isDeaf?: (folder: string) => boolean
}

/** How often a file on a network is looked at. */
const pollMs = 400

/** Kubeconfigs that are watched at once; the rest is looked at when it is used. */
const mostPaths = 256

/** Where there is no file. */
const nothing = '-'

/**
 * Watches files by the folders that they, and the symlinks to them, are in: a file that is replaced, swapped or made
 * anew is told of like one that was written to. What the watcher says is a hint; told is what has another
 * stamp than was `seen`. Nothing is loaded before there is something to watch, and nothing wakes by itself
 * but on network file systems.
 */
export function createFileWatch(options: Options): FileWatch {
  return new FolderWatch(options)
}

class FolderWatch implements FileWatch {
  readonly #options: Required<Options>
  #paths: ReadonlySet<string> = new Set()
  /** By the last part of a name: which paths may be concerned. */
  #concerned = new Map<string, Set<string>>()
  /** Folders, and files in them, that the watchers shall not pass over. */
  #wanted: ReadonlySet<string> = new Set()
  readonly #seen = new Map<string, string>()
  readonly #told = new Map<string, string>()
  readonly #watchers = new Map<'native' | 'polling', { watcher: FSWatcher; places: Set<string> }>()
  #listener: (path: string) => void = () => {}
  #work: Promise<void> = Promise.resolve()
  #isDue = false

  constructor({ log, isDeaf = isOnNetwork }: Options) {
    this.#options = { log, isDeaf }
  }

  onChange(listener: (path: string) => void): void {
    this.#listener = listener
  }

  watch(paths: readonly string[]): void {
    this.#paths = new Set(paths.slice(0, mostPaths))
    for (const path of this.#seen.keys()) if (!this.#paths.has(path)) this.#seen.delete(path)
    for (const path of this.#told.keys()) if (!this.#paths.has(path)) this.#told.delete(path)
    this.#look(this.#paths)
  }

  seen(path: string, stamp: string | undefined = this.#told.get(path)): void {
    if (stamp !== undefined && this.#paths.has(path)) this.#seen.set(path, stamp)
    // Somebody may have written between the look that gave this stamp and now.
    this.#look([path])
  }

  readonly #due = new Set<string>()

  /** In turn, so that what is watched and what is told never contradict each other. */
  #look(paths: Iterable<string>): void {
    for (const path of paths) this.#due.add(path)
    if (this.#isDue) return
    this.#isDue = true
    this.#work = this.#follow(this.#work)
  }

  async #follow(before: Promise<void>): Promise<void> {
    await before
    this.#isDue = false
    const due = [...this.#due]
    this.#due.clear()
    try {
      await this.#arrange()
      for (const path of due) await this.#compare(path)
    } catch (error) {
      this.#options.log.warn('kubeconfigs can’t be watched', { error: String(error) })
    }
  }

  async #compare(path: string): Promise<void> {
    if (!this.#paths.has(path)) return
    const facts = await stat(path, { bigint: true }).catch(() => undefined)
    const stamp = facts === undefined ? nothing : stampOf(identityOf(facts))
    if (stamp === this.#seen.get(path) || stamp === this.#told.get(path)) return
    this.#told.set(path, stamp)
    if (stamp !== nothing) this.#listener(path)
  }

  /** Folders come and go, and links lead elsewhere: what is watched follows. */
  async #arrange(): Promise<void> {
    const concerned = new Map<string, Set<string>>()
    const places = { native: new Set<string>(), polling: new Set<string>() }
    const concern = (name: string, path: string): void => {
      concerned.set(name, (concerned.get(name) ?? new Set()).add(path))
    }
    for (const path of this.#paths) {
      for (const { folder, name } of await watchPoints(path)) {
        concern(name, path)
        concern(basename(folder), path)
        const how = this.#options.isDeaf(folder) ? 'polling' : 'native'
        places[how].add(folder).add(join(folder, name))
      }
    }
    this.#concerned = concerned
    this.#wanted = new Set([...places.native, ...places.polling])
    await this.#arrangeWatcher('native', places.native)
    await this.#arrangeWatcher('polling', places.polling)
  }

  async #arrangeWatcher(how: 'native' | 'polling', places: Set<string>): Promise<void> {
    const before = this.#watchers.get(how)
    if (before === undefined && places.size === 0) return
    const { watcher, places: watched } = before ?? (await this.#start(how))
    const gone = [...watched].filter((place) => !places.has(place))
    const added = [...places].filter((place) => !watched.has(place))
    if (gone.length > 0) watcher.unwatch(gone)
    if (added.length > 0) watcher.add(added)
    this.#watchers.set(how, { watcher, places })
  }

  async #start(how: 'native' | 'polling'): Promise<{ watcher: FSWatcher; places: Set<string> }> {
    const { watch } = await import('chokidar')
    const watcher = watch([], {
      backend: how,
      depth: 0,
      atomic: false,
      pollingInterval: pollMs,
      pollingBinaryInterval: pollMs,
      ignored: (path) => !this.#wanted.has(path),
    })
    const hint = (path: string | null): void => {
      const paths = this.#concerned.get(basename(path ?? ''))
      if (paths !== undefined) this.#look(paths)
    }
    watcher.on('all', (_, path) => hint(path))
    // Also of what the watcher makes nothing of: a folder that was moved away, a link that leads elsewhere.
    watcher.on('raw', (_, path) => hint(path))
    watcher.on('error', (error) => {
      this.#options.log.warn('a kubeconfig’s folder can’t be watched', { error: String(error) })
    })
    return { watcher, places: new Set() }
  }
}
