import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  installRoot,
  nativePath,
  nativeReaperPath,
  nativeSupervisorPath,
  nodePath,
} from '../platform/install.ts'

/** A compiler has a minute on any machine. */
const buildMs = 300_000

const tryMs = 10_000

/** EX_USAGE (sysexits(3)): what a native part says that nobody meant to call. */
const usageCode = 64

/** What the shim, the plugin, the reaper and the supervisor are, where they were built. */
export const nativeParts = (): string[] => [nativePath(), nativeReaperPath(), nativeSupervisorPath()]

/**
 * Those that are linked with the C library need one that is as new as that of the machine they were made on.
 * @returns whether they are there and can't be run.
 */
export function areForAnotherLibrary(): boolean {
  const path = `${nativePath()}-libc`
  if (!existsSync(path)) return false
  return spawnSync(path, { argv0: 'kubeguard-native', stdio: 'ignore', timeout: tryMs }).status !== usageCode
}

const script = (): string => join(installRoot(), 'scripts', 'build-native.mjs')

/** @returns what to type for the native parts to be built, after a compiler was installed where that is missing. */
export function howToBuild(): string {
  if (mayBuild()) return 'run: kubeguard init'
  const owner = statSync(installRoot()).uid === 0 ? 'root' : `the owner of ${installRoot()}`
  return `run as ${owner}: ${nodePath()} ${script()}; then: kubeguard init`
}

function mayBuild(): boolean {
  try {
    accessSync(join(installRoot(), 'dist'), constants.W_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Builds the native parts where they are missing or can't run here: package managers may have been told to run no
 * script. Without a compiler nothing happens, and the fallback stays.
 * @returns whether there was something to mend, and it is mended.
 */
export function mendNativeParts(): boolean {
  const isMissing = (): boolean => !nativeParts().every((path) => existsSync(path))
  if ((!isMissing() && !areForAnotherLibrary()) || !mayBuild() || !existsSync(script())) return false
  spawnSync(nodePath(), [script()], { stdio: ['ignore', 'ignore', 'inherit'], timeout: buildMs })
  return !isMissing()
}
