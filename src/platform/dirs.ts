import { lstatSync } from 'node:fs'
import { userInfo } from 'node:os'
import { isAbsolute, join, normalize } from 'node:path'
import { GuardError } from '../domain/errors.ts'
import { ensurePlace } from './safe-place.ts'

export interface Dirs {
  readonly config: string
  readonly state: string
  readonly run: string
  readonly data: string
}

/** Names of files and folders below `dirs()`. */
export const places = {
  config: (dirs: Dirs) => join(dirs.config, 'config.yaml'),
  lockFile: (dirs: Dirs) => join(dirs.state, 'daemon.lock'),
  liveTable: (dirs: Dirs) => join(dirs.state, 'live'),
  journal: (dirs: Dirs) => join(dirs.state, 'journal.db'),
  requests: (dirs: Dirs) => join(dirs.state, 'requests.db'),
  before: (dirs: Dirs) => join(dirs.state, 'before.json'),
  leftOut: (dirs: Dirs) => join(dirs.state, 'left-out.json'),
  replaced: (dirs: Dirs) => join(dirs.state, 'replaced-log-ins.json'),
  providers: (dirs: Dirs) => join(dirs.state, 'providers'),
  traces: (dirs: Dirs) => join(dirs.state, 'traces'),
  revocations: (dirs: Dirs) => join(dirs.state, 'revocations'),
  vaults: (dirs: Dirs) => join(dirs.state, 'vaults'),
  log: (dirs: Dirs) => join(dirs.state, 'log'),
  logFile: (dirs: Dirs) => join(dirs.state, 'log', 'daemon.log'),
  socket: (dirs: Dirs) => join(dirs.run, 'daemon.sock'),
  /** Where a service manager listens while no daemon runs. */
  bell: (dirs: Dirs) => join(dirs.run, 'bell.sock'),
  status: (dirs: Dirs) => join(dirs.run, 'status'),
  keepers: (dirs: Dirs) => join(dirs.run, 'keepers'),
  shims: (dirs: Dirs) => join(dirs.data, 'shims'),
  plugins: (dirs: Dirs) => join(dirs.data, 'bin'),
} as const

/**
 * Where kubeguard's files are: found from the account (user database), never from $HOME or $XDG_*, so that
 * `env -i`, cron, su and an IDE all meet the same daemon. KUBEGUARD_HOME moves everything at once.
 * @throws GuardError `usage` for a KUBEGUARD_HOME that can't be used.
 */
export function dirs(environment: NodeJS.ProcessEnv = process.env): Dirs {
  const moved = environment['KUBEGUARD_HOME']
  const found = moved === undefined || moved === '' ? accountDirs() : movedDirs(moved)
  checkSocketLength(found.run)
  return found
}

/**
 * The home whose token caches a lock wipes: the account's. Where KUBEGUARD_HOME has moved everything, $HOME, as
 * a trial or a test has it.
 */
export function accountHome(environment: NodeJS.ProcessEnv = process.env): string {
  const { KUBEGUARD_HOME: moved = '', HOME: home = '' } = environment
  return moved !== '' && isAbsolute(home) ? home : userInfo().homedir
}

/**
 * Makes the folders that are missing, the private ones 0700, and checks the others.
 * @throws GuardError `place-unsafe` for one that is not ours alone.
 */
export function ensurePlaces(found: Dirs): void {
  ensurePlace(found.config, 'others-may-read', 0o700)
  for (const path of [found.state, places.vaults(found), places.log(found)])
    ensurePlace(path, 'private', 0o700)
  for (const path of [found.run, places.keepers(found)]) ensurePlace(path, 'private', 0o700)
  for (const path of [found.data, places.shims(found), places.plugins(found)]) {
    ensurePlace(path, 'others-may-read', 0o755)
  }
}

function movedDirs(home: string): Dirs {
  if (!isAbsolute(home)) {
    throw new GuardError('usage', 'KUBEGUARD_HOME is not an absolute path', {
      cure: 'set KUBEGUARD_HOME to an absolute path, or unset it',
    })
  }
  const root = normalize(home)
  return {
    config: join(root, 'config'),
    state: join(root, 'state'),
    run: join(root, 'run'),
    data: join(root, 'data'),
  }
}

function accountDirs(): Dirs {
  const { homedir, uid } = userInfo()
  const state = join(homedir, '.local', 'state', 'kubeguard')
  const runtime = `/run/user/${uid}`
  return {
    config: join(homedir, '.config', 'kubeguard'),
    state,
    run: isOurs(runtime, uid) ? join(runtime, 'kubeguard') : join(state, 'run'),
    data: join(homedir, '.local', 'share', 'kubeguard'),
  }
}

/** The runtime folder as pam_systemd makes it: a folder of ours, closed to others. */
function isOurs(path: string, uid: number): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false })
  return facts !== undefined && facts.isDirectory() && facts.uid === uid && (facts.mode & 0o077) === 0
}

/** sun_path holds 107 bytes and a NUL (unix(7)); a keeper's socket has the longest name. */
function checkSocketLength(run: string): void {
  const longest = join(run, 'keepers', `${'x'.repeat(24)}.sock`)
  if (Buffer.byteLength(longest) <= 107) return
  throw new GuardError('usage', `the path ${run} is too long for a socket`, {
    cure: 'set KUBEGUARD_HOME to a path of at most 60 bytes',
  })
}
