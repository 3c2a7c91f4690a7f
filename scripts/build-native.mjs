// Compiles native/ into dist/native/ with the machine's own compiler, and links the names it is called under.
// The same sources twice: kubeguard-native-libc with the C library, and kubeguard-native without (native/bare),
// which starts in a quarter of the time; where the second can't be made here, it is a copy of the first.
// And two programs of their own: kubeguard-reaper (native/reaper) and kubeguard-supervisor (native/supervisor).
// Without a compiler the launchers use the TypeScript fallback, so nothing here may fail an install. What a package brought
// is kept where it is of these sources and runs here; else it is made anew, or removed, and the fallback is used.
//   CC, CFLAGS: as for make(1); --out FOLDER: elsewhere than dist/native
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
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
const libcName = 'kubeguard-native-libc'
const reaperName = 'kubeguard-reaper'
const supervisorName = 'kubeguard-supervisor'
const calledNames = ['kubectl', 'kubeguard-credential', 'kubeguard-watch']
/** EX_USAGE of sysexits(3), KG_EXIT_USAGE of native/protocol.h. */
const usageCode = 64

const common = ['-std=c17', '-O2', '-Wall', '-Wextra', '-Werror', '-fstack-protector-strong', '-fPIE']
const withLibc = [...common, '-D_FORTIFY_SOURCE=2', '-pie', '-Wl,-z,relro,-z,now']
const withoutLibc = [
  ...common,
  '-mstack-protector-guard=global',
  '-fvisibility=hidden',
  '-nostdlib',
  '-static-pie',
  // Fewer pages to be mapped and touched; nothing is left for relro to protect, as no function is found late.
  '-Wl,-z,noseparate-code,-z,norelro,-z,noexecstack',
]

const compiler = process.env.CC || 'cc'
const extra = (process.env.CFLAGS ?? '').split(' ').filter((flag) => flag !== '')

const sourcesIn = (...folders) =>
  folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.c') || name.endsWith('.h'))
      .sort()
      .map((name) => join(root, folder, name)),
  )

/** What the binaries were made from: they are made anew only when this changes. */
function stampOf(files) {
  const hash = createHash('sha256').update(
    JSON.stringify([compiler, extra, withLibc, withoutLibc, process.arch]),
  )
  for (const file of files) hash.update(readFileSync(file))
  return hash.digest('hex')
}

/** @returns what is wrong, or undefined. */
function compile(flags, files, output) {
  const sources = files.filter((file) => file.endsWith('.c'))
  const run = spawnSync(compiler, [...flags, ...extra, '-o', output, ...sources], { encoding: 'utf8' })
  if (run.status === 0) return undefined
  return run.error?.code === 'ENOENT' ? `no compiler (${compiler})` : firstError(run.stderr ?? '')
}

/** A linker or compiler of another make may not know every flag. */
const compileWithLibc = (files, output) =>
  compile(withLibc, files, output) && compile(['-std=c17', '-O2', '-fPIE', '-pie'], files, output)

/** Called under its own name it says how it is meant to be called: both must say the same. */
function saysTheSame(binary, other) {
  const [said, expected] = [binary, other].map((file) =>
    spawnSync(file, { argv0: binaryName, encoding: 'utf8', timeout: 10_000 }),
  )
  return said.status !== null && said.status === expected.status && said.stderr === expected.stderr
}

const firstError = (text) =>
  text.split('\n').find((line) => /error|undefined/.test(line)) ?? 'the compiler failed'

function build(out) {
  const files = sourcesIn('native')
  // What is left to the one with the library: native/bare/twin.c.
  const bareFiles = sourcesIn('native', 'native/bare').filter((file) => !file.endsWith('/native/watch.c'))
  const reaperFiles = [...sourcesIn('native/reaper'), join(root, 'native', 'wire.c')]
  const supervisorFiles = [
    ...sourcesIn('native/supervisor'),
    ...['wire.c', 'places.c', 'say.c', 'become.c', 'end-by-signal.c'].map((name) =>
      join(root, 'native', name),
    ),
  ]
  const all = [binaryName, libcName, reaperName, supervisorName, '.stamp'].map((name) => join(out, name))
  const [binary, libcBinary, reaper, supervisor, stampFile] = all
  const [made, madeWithLibc, madeReaper, madeSupervisor] = [binary, libcBinary, reaper, supervisor].map(
    (path) => `${path}.${process.pid}`,
  )
  const stamp = stampOf([...files, ...bareFiles, ...reaperFiles, ...supervisorFiles])
  const there = all.every((path) => existsSync(path))
  if (there && readFileSync(stampFile, 'utf8') === stamp && runsHere(libcBinary, supervisor))
    return linkMissing(out)
  mkdirSync(out, { recursive: true })
  const problem =
    compileWithLibc(files, madeWithLibc) ??
    compileWithLibc(reaperFiles, madeReaper) ??
    compileWithLibc(supervisorFiles, madeSupervisor)
  if (problem !== undefined) {
    for (const path of [madeWithLibc, madeReaper, madeSupervisor, ...all]) rmSync(path, { force: true })
    console.warn(`kubeguard: native parts not built, the slower fallback is used: ${problem}`)
    return
  }
  const hindrance =
    compile(withoutLibc, bareFiles, made) ?? (saysTheSame(made, madeWithLibc) ? undefined : 'it does not run')
  if (hindrance !== undefined) {
    console.warn(`kubeguard: the native parts start with the C library, which takes longer: ${hindrance}`)
    copyFileSync(madeWithLibc, made)
  }
  // Renamed into place: a shim that runs at this moment keeps the old file, and none sees half of the new
  // one.
  renameSync(madeReaper, reaper)
  renameSync(madeSupervisor, supervisor)
  renameSync(madeWithLibc, libcBinary)
  renameSync(made, binary)
  writeFileSync(stampFile, stamp)
  for (const name of calledNames) link(join(out, name))
}

/** Those with a C library need one that is as new as the one they were made with: both refuse to be called like this. */
const runsHere = (...binaries) =>
  binaries.every(
    (file) => spawnSync(file, { argv0: binaryName, stdio: 'ignore', timeout: 10_000 }).status === usageCode,
  )

/** No package holds a link. */
function linkMissing(out) {
  for (const path of calledNames.map((name) => join(out, name))) if (!existsSync(path)) link(path)
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
