import type { Program, ProgramWorld } from './program.ts'
import { absolutePath, tar } from './tar.ts'
import { top } from './top.ts'
import { pause } from './pause.ts'

/** Every program in a pod but the shell, which also runs them. */
export const programs: Readonly<Record<string, Program>> = {
  cat,
  date: (_, world) => print(world, new Date().toUTCString()),
  echo: (args, world) => print(world, args.join(' ')),
  env: (_, world) => print(world, variables(world).join('\n')),
  false: async () => 1,
  hostname: (_, world) => print(world, world.podName),
  id: (_, world) => print(world, 'uid=1000(playground) gid=1000(playground)'),
  ls,
  pwd: (_, world) => print(world, '/'),
  seq,
  sleep,
  stty: (args, world) => terminalSize(args, world),
  tar,
  test,
  top,
  true: async () => 0,
  tty: (_, world) => print(world, world.terminal === undefined ? 'not a tty' : '/dev/pts/0'),
  whoami: (_, world) => print(world, 'playground'),
}

async function print(world: ProgramWorld, line: string): Promise<number> {
  await world.write(`${line}\n`)
  return 0
}

function variables({ environment }: ProgramWorld): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${value}`)
}

async function cat(args: readonly string[], world: ProgramWorld): Promise<number> {
  let code = 0
  for (const path of args.length === 0 ? ['-'] : args) {
    if (path === '-') {
      await copyInput(world)
      continue
    }
    const content = world.files.get(absolutePath(path))
    if (content !== undefined) await world.write(content)
    else code = await fail(world, `cat: ${path}: No such file or directory`)
  }
  return code
}

async function copyInput(world: ProgramWorld): Promise<void> {
  for (let bytes = await world.read(); bytes !== undefined; bytes = await world.read())
    await world.write(bytes)
}

async function ls(args: readonly string[], world: ProgramWorld): Promise<number> {
  const wanted = args.filter((arg) => !arg.startsWith('-'))
  let code = 0
  for (const path of wanted.length === 0 ? ['/'] : wanted) {
    const names = entriesOf(world, absolutePath(path))
    if (names.length > 0) await world.write(`${names.join('\n')}\n`)
    else code = await fail(world, `ls: ${path}: No such file or directory`)
  }
  return code
}

function entriesOf({ files }: ProgramWorld, path: string): string[] {
  if (files.get(path) !== undefined) return [path]
  const prefix = path === '/' ? '/' : `${path}/`
  const below = files.paths().filter((file) => file.startsWith(prefix))
  return [...new Set(below.map((file) => file.slice(prefix.length).split('/')[0]!))].toSorted()
}

/** `test -d`, `-e` and `-f`, as `kubectl cp` asks before it copies. */
async function test([flag, path = '']: readonly string[], world: ProgramWorld): Promise<number> {
  const found = absolutePath(path)
  const isFile = world.files.get(found) !== undefined
  const isFolder = found === '/' || found === '/tmp' || (!isFile && entriesOf(world, found).length > 0)
  if (flag === '-d') return isFolder ? 0 : 1
  if (flag === '-f') return isFile ? 0 : 1
  if (flag === '-e') return isFile || isFolder ? 0 : 1
  await fail(world, 'test: only knows: -d, -e, -f')
  return 2
}

async function seq(args: readonly string[], world: ProgramWorld): Promise<number> {
  const [first, last] = args.length === 1 ? [1, Number(args[0])] : [Number(args[0]), Number(args[1])]
  if (!Number.isInteger(first) || !Number.isInteger(last))
    return fail(world, 'seq: needs one or two whole numbers')
  for (let number = first; number <= last && !world.signal.aborted; number += 1)
    await world.write(`${number}\n`)
  return 0
}

async function sleep(args: readonly string[], world: ProgramWorld): Promise<number> {
  const seconds = args[0] === 'infinity' ? Number.POSITIVE_INFINITY : Number(args[0])
  if (!(seconds >= 0)) return fail(world, 'sleep: needs a number of seconds')
  await pause(seconds * 1000, world.signal)
  return 0
}

async function terminalSize(args: readonly string[], world: ProgramWorld): Promise<number> {
  if (args.join(' ') !== 'size') return fail(world, 'stty: only knows: stty size')
  if (world.terminal === undefined) return fail(world, 'stty: standard input: Not a tty')
  const { rows, columns } = world.terminal.size
  return print(world, `${rows} ${columns}`)
}

async function fail(world: ProgramWorld, message: string): Promise<number> {
  await world.writeError(`${message}\n`)
  return 1
}
