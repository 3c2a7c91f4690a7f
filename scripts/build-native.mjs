// Compiles native/ into dist/native/kubeguard-native with the machine's own compiler, and links the names
// it is called under. Without a compiler the launchers use the TypeScript fallback, so nothing here may
// fail an install.
//   CC, CFLAGS: as for make(1); --out FOLDER: elsewhere than dist/native
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const binaryName = 'kubeguard-native'

const flags = [
  '-std=c17',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fstack-protector-strong',
  '-D_FORTIFY_SOURCE=2',
  '-fPIE',
  '-pie',
  '-Wl,-z,relro,-z,now',
]

/** The command lines to try, best first: a linker or compiler of another make may not know every flag. */
function commands(sources, output) {
  const compiler = process.env.CC || 'cc'
  const extra = (process.env.CFLAGS ?? '').split(' ').filter((flag) => flag !== '')
  const plain = ['-std=c17', '-O2', '-fPIE', '-pie']
  return [flags, plain].map((own) => [compiler, [...own, ...extra, '-o', output, ...sources]])
}

function sourcesOf(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.c') || name.endsWith('.h'))
    .sort()
    .map((name) => join(folder, name))
}

/** What the binary was made from: it is made anew only when this changes. */
function stampOf(files, command) {
  const hash = createHash('sha256').update(
    JSON.stringify([command[0], command[1].slice(0, -1), process.arch]),
  )
  for (const file of files) hash.update(readFileSync(file))
  return hash.digest('hex')
}

function compile(candidates) {
  let problem = ''
  for (const [compiler, args] of candidates) {
    const run = spawnSync(compiler, args, { encoding: 'utf8' })
    if (run.status === 0) return undefined
    problem = run.error?.code === 'ENOENT' ? `no compiler (${compiler})` : firstError(run.stderr ?? '')
    if (run.error !== undefined) break
  }
  return problem
}

const firstError = (text) => text.split('\n').find((line) => line.includes('error')) ?? 'the compiler failed'

function build(out) {
  const files = sourcesOf(join(root, 'native'))
  const sources = files.filter((file) => file.endsWith('.c'))
  const binary = join(out, binaryName)
  const stampFile = join(out, '.stamp')
  const temporary = `${binary}.${process.pid}`
  const candidates = commands(sources, temporary)
  const stamp = stampOf(files, commands(sources, binary)[0])
  if (existsSync(binary) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  mkdirSync(out, { recursive: true })
  const problem = compile(candidates)
  if (problem !== undefined) {
    for (const path of [temporary, binary, stampFile]) rmSync(path, { force: true })
    console.warn(`kubeguard: native parts not built, the slower fallback is used: ${problem}`)
    return
  }
  // Renamed into place: a shim that runs at this moment keeps the old file, and none sees half of the new
  // one.
  renameSync(temporary, binary)
  writeFileSync(stampFile, stamp)
  for (const name of ['kubectl', 'kubeguard-credential']) link(join(out, name))
}

/** The launchers can't choose argv[0], so the names are links. */
function link(path) {
  rmSync(path, { force: true })
  symlinkSync(binaryName, path)
}

const outFlag = process.argv.indexOf('--out')
try {
  build(outFlag === -1 ? join(root, 'dist', 'native') : resolve(process.argv[outFlag + 1]))
} catch (error) {
  console.warn(`kubeguard: native parts not built, the slower fallback is used: ${error.message}`)
}
