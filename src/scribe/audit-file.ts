import { readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import type { FindingList } from './finding-list.ts'
import { readBytes } from './read-file.ts'

/** What a file's own place and mode give away, whatever stands in it. Folders are looked at once. */
export class Surroundings {
  readonly #findings: FindingList
  readonly #folders = new Map<string, readonly string[]>()
  readonly #gits = new Map<string, GitTree | undefined>()

  constructor(findings: FindingList) {
    this.#findings = findings
  }

  /** Mode bits of a file that holds a credential, or of a kubeconfig that could. */
  auditMode(path: string, holdsSecret: boolean): void {
    const facts = statSync(path, { throwIfNoEntry: false })
    if (facts === undefined || !facts.isFile()) return
    const mode = `mode 0${(facts.mode & 0o777).toString(8).padStart(3, '0')}`
    if ((facts.mode & 0o022) !== 0)
      this.#findings.add('writable-by-others', `${mode}: other accounts may write it`, { file: path })
    if ((facts.mode & 0o044) === 0) return
    if (holdsSecret)
      this.#findings.add('readable-by-others', `${mode}: other accounts may read the credential`, {
        file: path,
      })
    else this.#findings.add('readable-kubeconfig', `${mode}: other accounts may read it`, { file: path })
  }

  auditGit(path: string): void {
    const real = realpathSync(path)
    const tree = this.#gitTreeOf(dirname(real))
    if (tree === undefined) return
    const name = relative(tree.root, real)
    if (isInIndex(tree.index, name))
      this.#findings.add('tracked-by-git', `git tracks it in ${tree.root}`, { file: path })
    else this.#findings.add('in-git-work-tree', `it lies in the git work tree ${tree.root}`, { file: path })
  }

  /** Copies that editors and people leave beside a kubeconfig. @returns their paths */
  auditLeftovers(path: string, isKnown: (path: string) => boolean): string[] {
    const [folder, own] = [dirname(path), basename(path)]
    return this.#namesIn(folder).flatMap((name) => {
      if (!isLeftoverOf(own, name)) return []
      const copy = join(folder, name)
      if (isKnown(copy)) return []
      const found = credentialIn(copy)
      if (found === undefined) return []
      const message = `${found.what} in a leftover of ${path}`
      this.#findings.add('leftover-copy', message, {
        file: copy,
        ...(found.line !== undefined && { line: found.line }),
      })
      this.auditMode(copy, true)
      return [copy]
    })
  }

  #namesIn(folder: string): readonly string[] {
    const known = this.#folders.get(folder)
    if (known !== undefined) return known
    const names = namesIn(folder)
    this.#folders.set(folder, names)
    return names
  }

  #gitTreeOf(folder: string): GitTree | undefined {
    if (this.#gits.has(folder)) return this.#gits.get(folder)
    const found =
      gitTreeAt(folder) ?? (dirname(folder) === folder ? undefined : this.#gitTreeOf(dirname(folder)))
    this.#gits.set(folder, found)
    return found
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

const leftoverTail =
  /^(?:~|[.~_ -]*\(?(?:bak|back|backup|old|orig|original|save|saved|copy|tmp|prev|sw[a-p]|un~|rpmsave|dpkg-old|~|#|\d))/i

/** `config.bak`, `config~`, `.config.swp`, `#config#`, `config.2024-01-01`, `.config.kubeguard-….new`, … */
export function isLeftoverOf(name: string, other: string): boolean {
  if (other === name) return false
  const bare = other.replace(/^[.#]+/, '')
  const plain = name.replace(/^\./, '')
  const stem = plain.replace(/\.(?:ya?ml|json|conf)$/, '')
  if (other.startsWith(`.${name}.kubeguard-`)) return other.endsWith('.new')
  return [plain, stem].some((start) => bare.startsWith(start) && leftoverTail.test(bare.slice(start.length)))
}

/** As kubeconfigs and tools spell what proves who somebody is: a field and its value, or a private key. */
const credential =
  /(?:^|[\s{,"'])(token|password|client-key-data|id-token|refresh-token|access-token|refresh_token)["']?\s*:\s*["']?[\w.+/=-]{4,}|-----BEGIN [A-Z ]*PRIVATE KEY-----/m

/** What a file of any kind seems to hold. @returns undefined for nothing, and for what can't be read */
function credentialIn(path: string): { what: string; line?: number } | undefined {
  const text = readBytes(path)?.toString('latin1')
  const found = text === undefined ? null : credential.exec(text)
  if (text === undefined || found === null) return undefined
  const what = `a ${found[1] ?? 'private key'}`
  // Lines of a swap file are not the lines of the text.
  if (text.includes('\0')) return { what }
  const start = found.index + found[0].length - found[0].trimStart().length
  return { what, line: text.slice(0, start).split('\n').length }
}

interface GitTree {
  readonly root: string
  readonly index: Buffer
}

/** `.git` is a folder, or in linked work trees a file that names one (gitrepository-layout(5)). */
function gitTreeAt(folder: string): GitTree | undefined {
  const place = join(folder, '.git')
  const facts = statSync(place, { throwIfNoEntry: false })
  if (facts === undefined) return undefined
  const named = facts.isFile() ? /^gitdir: (.+)$/m.exec(readBytes(place)?.toString() ?? '')?.[1] : place
  if (
    named === undefined ||
    (facts.isDirectory() && !statSync(join(place, 'HEAD'), { throwIfNoEntry: false }))
  )
    return undefined
  return { root: folder, index: readBytes(join(named, 'index')) ?? Buffer.alloc(0) }
}

/**
 * Whether git's index has an entry of that name. Versions 2 and 3 spell names out, after 16 bits whose lower
 * 12 are the length (gitformat-index(5)); version 4 shortens them, and is taken for not tracked.
 */
function isInIndex(index: Buffer, name: string): boolean {
  const bytes = Buffer.from(`${name}\0`)
  const length = Math.min(bytes.length - 1, 0xfff)
  for (let at = index.indexOf(bytes); at !== -1; at = index.indexOf(bytes, at + 1)) {
    const isEntry = [2, 4].some((back) => at >= back && (index.readUInt16BE(at - back) & 0xfff) === length)
    if (isEntry) return true
  }
  return false
}
