import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repository } from '../../fixtures/terminal.ts'

/**
 * libFuzzer follows what an input reaches; driver.c, in its place with any compiler, mutates blindly, and is ready
 * sooner. Of the whole shim there is only the program itself.
 */
export type Engine = 'libFuzzer' | 'driver' | 'none'

const cFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(folder, name))

/** The sources of shim and plugin. */
export const nativeFiles = (): string[] => cFiles(join(repository, 'native'))

/** Those of the readers; others they include, to see their inside. */
export function readerFiles(engine: Engine): string[] {
  const own = cFiles(join(repository, 'test', 'fuzz', 'native'))
  const plain = [
    'exec-info',
    'end-by-signal',
    'child',
    ...['keys', 'modes', 'escape'].map((name) => `supervisor/${name}`),
  ]
  const files = [...own, ...plain.map((name) => join(repository, 'native', `${name}.c`))]
  return files.filter((file) => engine === 'driver' || !file.endsWith('/driver.c'))
}

const programs = new Map<string, Promise<string>>()

/**
 * Compiles them with AddressSanitizer and UBSan, once in the life of this process. @returns the program
 * @throws Error with what the compiler said
 */
export function sanitized(name: string, files: readonly string[], engine: Engine = 'none'): Promise<string> {
  const key = `${name} ${engine}`
  const program = programs.get(key) ?? compile(name, files, engine)
  programs.set(key, program)
  return program
}

async function compile(name: string, files: readonly string[], engine: Engine): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'kg-fuzz-build-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const program = join(folder, name)
  const fuzzer = engine === 'libFuzzer'
  const flags = ['-std=c17', '-O1', '-g', '-fno-sanitize-recover=all', '-Wall', '-Wextra', '-Werror']
  const sanitizers = `-fsanitize=address,undefined${fuzzer ? ',fuzzer' : ''}`
  const compiler = fuzzer ? 'clang' : 'cc'
  const child = spawn(compiler, [...flags, sanitizers, '-o', program, ...files], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.on('error', reject)
  child.on('close', resolve)
  if ((await promise) !== 0) throw new Error(`${compiler} failed: ${Buffer.concat(said).toString()}`)
  return program
}

/** Is there a clang with what libFuzzer needs? */
export function hasLibFuzzer(): boolean {
  const source =
    'int LLVMFuzzerTestOneInput(const char *at, long length) { return at == 0 || length < 0 ? 0 : 0; }'
  const args = ['-fsanitize=fuzzer,address', '-x', 'c', '-', '-o', '/dev/null']
  return spawnSync('clang', args, { input: source }).status === 0
}
