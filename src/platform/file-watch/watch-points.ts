import { lstat, readlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

/** A name in a folder: while nothing happens to it, a path goes on leading to the same file. */
export interface WatchPoint {
  readonly folder: string
  readonly name: string
}

/** As many as the kernel follows (path_resolution(7)). */
const mostLinks = 40

/**
 * Where to look for changes of what a path leads to: each symlink on the way, and the file at its end. Where
 * something on the way is missing, the place where it would appear.
 */
export async function watchPoints(path: string): Promise<WatchPoint[]> {
  const points: WatchPoint[] = []
  let links = 0
  let folder = '/'
  let rest = partsOf(path)
  for (;;) {
    const [name, ...more] = rest
    if (name === undefined) return points
    const here = join(folder, name)
    const facts = await lstat(here).catch(() => undefined)
    if (facts?.isDirectory() === true && more.length > 0) {
      folder = here
      rest = more
      continue
    }
    points.push({ folder, name })
    if (facts?.isSymbolicLink() !== true || links === mostLinks) return points
    links += 1
    const target = await readlink(here).catch(() => undefined)
    if (target === undefined) return points
    rest = [...partsOf(resolve(dirname(here), target)), ...more]
    folder = '/'
  }
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '')
