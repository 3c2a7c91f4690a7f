import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The processes that `dist/` holds a bundle for: `src/<name>/main.ts`. */
export type BundleName =
  | 'cli'
  | 'daemon'
  | 'gateway'
  | 'keeper'
  | 'reaper'
  | 'revoker'
  | 'scribe'
  | 'screen'
  | 'shim'
  | 'playground'
  | 'tour'

let root: string | undefined
let packageVersion: string | undefined

/** @returns the folder that kubeguard is installed in. @throws Error where this file lies outside of one. */
export function installRoot(): string {
  root ??= findRoot(import.meta.dirname)
  return root
}

/** The runtime that kubeguard was tested with, whatever PATH holds; else the one that runs now. */
export function nodePath(): string {
  const own = join(installRoot(), 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
  return existsSync(own) ? own : process.execPath
}

/**
 * What the runtime is started with for a daemon. V8's memory reducer would wake an idle process every 8 s for
 * minutes, to win next to nothing here.
 */
const daemonFlags = ['--disable-sigusr1', '--no-memory-reducer']

/** The program and the arguments that start a daemon, whoever starts it. */
export function daemonCommand(bundle: string = bundlePath('daemon')): readonly [string, ...string[]] {
  return [nodePath(), ...daemonFlags, bundle]
}

export function bundlePath(name: BundleName): string {
  return join(installRoot(), 'dist', `${name}.cjs`)
}

/** The native binary: credential plugin or shim, by the name it is called under. */
export function nativePath(): string {
  return join(installRoot(), 'dist', 'native', 'kubeguard-native')
}

/** The native reaper, a program of its own. */
export function nativeReaperPath(): string {
  return join(installRoot(), 'dist', 'native', 'kubeguard-reaper')
}

/** The native supervisor, likewise. Without a compiler there is none. */
export function nativeSupervisorPath(): string {
  return join(installRoot(), 'dist', 'native', 'kubeguard-supervisor')
}

/** A launcher of `bin/`: a few lines of shell that find the runtime. */
export function launcherPath(name: string): string {
  return join(installRoot(), 'bin', name)
}

export function version(): string {
  packageVersion ??= readPackage(join(installRoot(), 'package.json'))?.version ?? 'unknown'
  return packageVersion
}

/**
 * What tells one build of the daemon from another, as it is on disk now.
 * @returns undefined while there is none: an update is under way, or everything was removed.
 */
export function daemonBuild(): string | undefined {
  const installed = readPackage(join(installRoot(), 'package.json'))?.version
  const facts = statSync(bundlePath('daemon'), { throwIfNoEntry: false })
  if (installed === undefined || facts === undefined) return undefined
  return [installed, facts.ino, facts.size, facts.mtimeMs].join(' ')
}

/** Walks up: sources lie two folders below the root, bundles one. */
function findRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (readPackage(join(folder, 'package.json'))?.name === 'kubeguard') return folder
    if (folder === dirname(folder)) throw new Error(`no kubeguard package above ${from}`)
  }
}

function readPackage(path: string): { name?: string; version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { name?: string; version?: string }
  } catch {
    return undefined
  }
}
