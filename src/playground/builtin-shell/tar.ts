import type { Files, ProgramWorld } from './program.ts'

/** What `kubectl cp` runs in a pod: `tar cf - PATH…` and `tar -xmf - -C FOLDER`; ustar (POSIX pax(1)), files alone. */
export async function tar(args: readonly string[], world: ProgramWorld): Promise<number> {
  const [mode = '', ...rest] = args
  const flags = mode.replace(/^-/, '')
  if (/^c[a-z]*f$/.test(flags) && rest[0] === '-') return create(rest.slice(1), world)
  if (/^x[a-z]*f$/.test(flags) && rest[0] === '-') return extract(rest.slice(1), world)
  await world.writeError('tar: only knows: tar cf - PATH, tar xf - -C FOLDER\n')
  return 2
}

const blockBytes = 512
const mostBytes = 8 * 1024 * 1024

async function create(paths: readonly string[], world: ProgramWorld): Promise<number> {
  let code = 0
  for (const path of paths) {
    const found = filesAt(world.files, absolutePath(path))
    if (found.length === 0) {
      await world.writeError(`tar: ${path}: No such file or directory\n`)
      code = 2
    }
    if (found.length > 0 && path.startsWith('/'))
      await world.writeError("tar: Removing leading `/' from member names\n")
    for (const file of found) {
      const bytes = world.files.get(file) as Buffer
      await world.write(Buffer.concat([header(file.slice(1), bytes.length), bytes, padding(bytes.length)]))
    }
  }
  await world.write(Buffer.alloc(2 * blockBytes))
  return code
}

/** A file, or all below a folder. */
function filesAt(files: Files, path: string): string[] {
  const prefix = path === '/' ? '/' : `${path}/`
  return files.paths().filter((file) => file === path || file.startsWith(prefix))
}

const padding = (bytes: number): Buffer => Buffer.alloc((blockBytes - (bytes % blockBytes)) % blockBytes)

function header(name: string, bytes: number): Buffer {
  const block = Buffer.alloc(blockBytes)
  const octal = (value: number, at: number, width: number): void =>
    void block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at)
  block.write(name.slice(0, 100), 0)
  octal(0o644, 100, 8)
  octal(bytes, 124, 12)
  block.write('        0', 148)
  block.write('ustar\x0000', 257)
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    8,
  )
  return block
}

async function extract(args: readonly string[], world: ProgramWorld): Promise<number> {
  const folder = args.includes('-C') ? (args[args.indexOf('-C') + 1] ?? '/') : '/'
  const parts: Buffer[] = []
  for (let bytes = await world.read(); bytes !== undefined; bytes = await world.read()) {
    parts.push(bytes)
    if (parts.reduce((sum, part) => sum + part.length, 0) > mostBytes) return noRoom(world)
  }
  for (const { name, bytes } of membersOf(Buffer.concat(parts))) {
    if (!world.files.put(absolutePath(`${folder}/${name}`), bytes)) return noRoom(world)
  }
  return 0
}

async function noRoom(world: ProgramWorld): Promise<number> {
  await world.writeError('tar: No space left on device\n')
  return 1
}

function* membersOf(archive: Buffer): Generator<{ name: string; bytes: Buffer }> {
  const text = (start: number, length: number): string =>
    archive.toString('utf8', start, start + length).replace(/\0.*$/s, '')
  for (let at = 0; at + blockBytes <= archive.length && archive[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8) || 0
    const kind = text(at + 156, 1)
    const prefix = text(at + 345, 155)
    const start = at + blockBytes
    const name = prefix === '' ? text(at, 100) : `${prefix}/${text(at, 100)}`
    if (kind === '' || kind === '0') yield { name, bytes: Buffer.from(archive.subarray(start, start + size)) }
    at = start + Math.ceil(size / blockBytes) * blockBytes
  }
}

/** In a pod everything is below `/`; `..` leads nowhere. */
export function absolutePath(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .join('/')}`
}
