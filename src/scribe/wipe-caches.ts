import { closeSync, constants, fstatSync, fsyncSync, lstatSync, openSync, readdirSync } from 'node:fs'
import { realpathSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { globMatches } from '../domain/glob.ts'
import { eraseContent, openToErase } from './erase-file.ts'

export interface Wiped {
  /** What was removed. */
  readonly files: readonly string[]
  /** What stays, and why. */
  readonly failures: readonly string[]
}

/** More than any cache holds: what is beyond is told, and stays. */
const mostEntries = 10_000
const deepest = 8
const mostFailures = 50

/**
 * Wipes the files at these places, and all files below those that are folders. Only files and folders of this
 * account, below its home: each step of a path is opened in the folder before it (as openat(2) does, through
 * /proc/self/fd), so that no link is followed, not even one that is put there meanwhile.
 *
 * @param places paths and globs relative to the home
 * @param kept files and folders that stay in any case
 */
export function wipeCaches(home: string, places: readonly string[], kept: readonly string[]): Wiped {
  const wipe = new Wipe(kept)
  if (places.length > 0) wipe.run(home, places)
  return wipe
}

class Wipe implements Wiped {
  readonly files: string[] = []
  readonly failures: string[] = []
  readonly #kept: ReadonlySet<string>
  #entries = 0

  constructor(kept: readonly string[]) {
    this.#kept = new Set(kept.flatMap(identityAt))
  }

  run(home: string, places: readonly string[]): void {
    let real: string
    try {
      real = realpathSync(home)
    } catch (error) {
      return this.#fail(home, `can’t be reached (${codeOf(error)})`)
    }
    this.#within(real, real, (folder) => {
      for (const place of places) {
        const segments = place.split('/')
        if (!segments.some((segment) => ['', '.', '..'].includes(segment)))
          this.#follow(folder, real, segments)
      }
    })
  }

  /** Goes down a path, and into each folder that a glob in it matches. */
  #follow(folder: number, shown: string, [segment = '', ...rest]: readonly string[]): void {
    const names = /[*?]/.test(segment)
      ? this.#list(folder, shown).filter((name) => isMatch(segment, name))
      : [Buffer.from(segment)]
    for (const name of names) {
      const path = join(shown, String(name))
      if (rest.length === 0) this.#wipe(folder, name, path, 0)
      else if (this.#isThere(folder, name, path))
        this.#within(at(folder, name), path, (below) => this.#follow(below, path, rest))
    }
    if (rest.length === 0) sync(folder)
  }

  #wipe(folder: number, name: Buffer, path: string, depth: number): void {
    if (this.failures.length >= mostFailures || !this.#isThere(folder, name, path)) return
    this.#entries += 1
    if (this.#entries > mostEntries) {
      if (this.#entries === mostEntries + 1)
        this.#fail(path, `and what comes after it stays: more than ${mostEntries} files`)
      return
    }
    const facts = lstatSync(at(folder, name))
    if (facts.isDirectory()) this.#wipeFolder(folder, name, path, depth)
    else if (facts.isFile()) this.#wipeFile(folder, name, path)
    else if (facts.isSymbolicLink()) this.#fail(path, 'is a link, which is not followed')
  }

  #wipeFolder(folder: number, name: Buffer, path: string, depth: number): void {
    if (depth >= deepest) return this.#fail(path, 'is too deep')
    this.#within(at(folder, name), path, (below) => {
      for (const entry of this.#list(below, path))
        this.#wipe(below, entry, join(path, String(entry)), depth + 1)
      sync(below)
    })
  }

  #wipeFile(folder: number, name: Buffer, path: string): void {
    let descriptor: number | undefined
    try {
      descriptor = openToErase(at(folder, name))
      const facts = fstatSync(descriptor)
      if (!facts.isFile()) return
      if (facts.uid !== process.getuid?.()) return this.#fail(path, 'belongs to another account')
      if (this.#kept.has(identityOf(facts))) return this.#fail(path, 'is in use by kubeguard, and stays')
      // Another name may be a file that has nothing to do with the cache.
      if (facts.nlink > 1) this.#fail(path, 'had another name (a hard link), which still holds what it held')
      else this.#erase(descriptor, path)
      unlinkSync(at(folder, name))
      this.files.push(path)
    } catch (error) {
      this.#fail(path, `can’t be wiped (${codeOf(error)})`)
    } finally {
      if (descriptor !== undefined) closeSync(descriptor)
    }
  }

  #erase(descriptor: number, path: string): void {
    try {
      eraseContent(descriptor)
    } catch (error) {
      this.#fail(path, `was removed, but not overwritten (${codeOf(error)})`)
    }
  }

  /** Opens a folder of ours. */
  #within(path: string | Buffer, shown: string, work: (descriptor: number) => void): void {
    let descriptor: number
    try {
      descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    } catch (error) {
      const link = codeOf(error) === 'ELOOP' || codeOf(error) === 'ENOTDIR'
      return this.#fail(
        shown,
        link ? 'is a link, or no folder: not followed' : `can’t be opened (${codeOf(error)})`,
      )
    }
    try {
      const facts = fstatSync(descriptor)
      if (facts.uid !== process.getuid?.()) this.#fail(shown, 'belongs to another account')
      else if (this.#kept.has(identityOf(facts))) this.#fail(shown, 'is kubeguard’s own folder, and stays')
      else work(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }

  #list(folder: number, shown: string): Buffer[] {
    try {
      return readdirSync(`/proc/self/fd/${folder}`, { encoding: 'buffer' })
    } catch (error) {
      this.#fail(shown, `can’t be listed (${codeOf(error)})`)
      return []
    }
  }

  #isThere(folder: number, name: Buffer, path: string): boolean {
    try {
      return lstatSync(at(folder, name), { throwIfNoEntry: false }) !== undefined
    } catch (error) {
      this.#fail(path, `can’t be looked at (${codeOf(error)})`)
      return false
    }
  }

  #fail(path: string, why: string): void {
    if (this.failures.length < mostFailures) this.failures.push(`${path} ${why}`)
  }
}

/** A name in an open folder, whatever that folder is called by now. */
const at = (folder: number, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name])

/** As shells do: a glob that does not begin with a dot matches no hidden name. */
const isMatch = (glob: string, name: Buffer): boolean =>
  globMatches(glob, String(name)) && (glob.startsWith('.') || !String(name).startsWith('.'))

const identityOf = ({ dev, ino }: { dev: number; ino: number }): string => `${dev}:${ino}`

function identityAt(path: string): string[] {
  try {
    return [identityOf(statSync(path))]
  } catch {
    return []
  }
}

function sync(folder: number): void {
  try {
    fsyncSync(folder)
  } catch {
    // Some network file systems have none for folders.
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error'
