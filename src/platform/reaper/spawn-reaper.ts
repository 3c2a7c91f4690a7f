import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { allowListedEnvironment } from '../../hardening/environment.ts'
import { bundlePath, nativeReaperPath, nodePath } from '../install.ts'

/** The native binary where a compiler was there, else the bundle of src/reaper. */
export type ReaperKind = 'native' | 'fallback'

export const reaperKind = (): ReaperKind => (existsSync(nativeReaperPath()) ? 'native' : 'fallback')

/** A session of its own, so that no terminal's signals and no closing window reach it. */
export function spawnReaper(kind: ReaperKind): ChildProcess {
  const options = {
    cwd: '/',
    detached: true,
    env: allowListedEnvironment(process.env),
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'] as ('ignore' | 'pipe')[],
  }
  return kind === 'native'
    ? spawn(nativeReaperPath(), [], options)
    : spawn(nodePath(), ['--disable-sigusr1', bundlePath('reaper')], options)
}
