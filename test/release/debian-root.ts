import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { onPath } from '../../scripts/test-tools.mjs'
import { cacheFolder } from '../cluster/harness/build.ts'
import { ownMirror } from '../cluster/harness/packages.ts'
import { run } from './packages.ts'

/** Debian's releases that a package is tried on, by number. */
export const releases = { '12': 'bookworm', '13': 'trixie' } as const

export type Release = keyof typeof releases

/** Debian's smallest system, with or without a C compiler, made once by debootstrap. @returns its folder. */
export function debianRoot(release: Release, hasCompiler: boolean, say: (text: string) => void): string {
  // What Node itself is linked with, and what a compiler needs.
  const include = ['libatomic1', ...(hasCompiler ? ['gcc', 'libc6-dev'] : [])]
  const folder = join(cacheFolder(), ['debian', release, ...include].join('-'))
  if (existsSync(folder)) return folder
  say(`making a root of Debian ${release}${hasCompiler ? ' with a compiler' : ''}`)
  const debootstrap = findDebootstrap()
  mkdirSync(cacheFolder(), { recursive: true })
  const work = mkdtempSync(join(cacheFolder(), 'root-'))
  try {
    const root = join(work, 'root')
    run(
      debootstrap,
      ['--variant=minbase', `--include=${include.join()}`, releases[release], root, ownMirror(cacheFolder())],
      work,
    )
    for (const left of ['var/cache/apt', 'var/lib/apt/lists'])
      rmSync(join(root, left), { recursive: true, force: true })
    renameSync(root, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}

function findDebootstrap(): string {
  const find = (): string | undefined => onPath('debootstrap') ?? onPath('/usr/sbin/debootstrap')
  if (find() === undefined) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    for (const args of [
      ['update', '-qq'],
      ['install', '-qq', '-y', '--no-install-recommends', 'debootstrap'],
    ])
      spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const found = find()
  if (found === undefined) throw new Error('debootstrap is missing: run: apt-get install debootstrap')
  return found
}
