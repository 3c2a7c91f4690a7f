/** `npm run test:release [-- --all] [--only TEXT]`: installs the package on bare Debians, as root and as a user; docs/release.md. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { cacheFolder } from '../cluster/harness/build.ts'
import { kubectl } from '../fixtures/tools.ts'
import { debianRoot, releases } from './debian-root.ts'
import type { Release } from './debian-root.ts'
import { packAgain, packProject, run } from './packages.ts'
import { pathNode, pathNodes } from './path-nodes.ts'
import type { PathNode } from './path-nodes.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    /** Every Node with everything, instead of each three times. */
    all: { type: 'boolean', default: false },
  },
})

/** Whose native parts are used: `inside.sh` says what each means. */
const partsOf = ['brought', 'built', 'fallback'] as const
const installers = ['root', 'ann'] as const

const [older, newer] = ['0.0.1', '99.0.0'] as const

/** A machine with six busy neighbours takes its time. */
const caseTimeoutMs = 10 * 60_000

interface Case {
  readonly release: Release
  readonly node: PathNode
  readonly installer: (typeof installers)[number]
  readonly parts: (typeof partsOf)[number]
}

const nodes = Object.keys(pathNodes) as PathNode[]
const grounds = (Object.keys(releases) as Release[]).flatMap((release) =>
  installers.flatMap((installer) => partsOf.map((parts) => ({ release, installer, parts }))),
)
/** Shifted by one after each round, so that a Node meets several grounds. */
const nodeOf = (at: number): PathNode => nodes[(at + Math.floor(at / nodes.length)) % nodes.length] ?? '20'
const cases: Case[] = options.all
  ? grounds.flatMap((ground) => nodes.map((node) => ({ ...ground, node })))
  : grounds.map((ground, at) => ({ ...ground, node: nodeOf(at) }))

const nameOf = ({ release, node, installer, parts }: Case): string => {
  const who = installer === 'root' ? 'installed by root' : 'installed by a user'
  return `Debian ${release}, Node ${node}, npm ${pathNodes[node].npm}, ${who}, native parts ${parts}`
}

const say = (text: string): void => void process.stderr.write(`release: ${text}\n`)

/** Two versions each, with and without what the compiler made here. @returns the folders. */
function packAll(folder: string): { whole: string; withoutNative: string } {
  const [whole, withoutNative] = [join(folder, 'whole'), join(folder, 'without-native')] as const
  for (const each of [folder, whole, withoutNative]) mkdirSync(each, { recursive: true })
  const tarball = packProject(folder)
  for (const version of [older, newer]) {
    packAgain(tarball, whole, { version })
    packAgain(tarball, withoutNative, { version, withoutNative: true })
  }
  return { whole, withoutNative }
}

/** @returns what it said where it failed. */
function tryCase(
  one: Case,
  packages: { whole: string; withoutNative: string },
  work: string,
): string | undefined {
  const { installer, parts } = one
  const files = mkdtempSync(join(work, 'files-'))
  const cache = join(cacheFolder(), 'npm-cache')
  mkdirSync(cache, { recursive: true })
  const here = import.meta.dirname
  const args = [
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    'sh',
    join(here, 'enter.sh'),
    debianRoot(one.release, parts === 'built', say),
    files,
    pathNode(one.node, say),
    parts === 'brought' ? packages.whole : packages.withoutNative,
    cache,
    dirname(kubectl()),
    join(here, 'inside.sh'),
    installer,
    parts,
    older,
    newer,
  ]
  const env = { ...process.env, NPM_REGISTRY: run('npm', ['config', 'get', 'registry'], here).trim() }
  const { status, stdout, stderr } = spawnSync('unshare', args, {
    env,
    encoding: 'utf8',
    timeout: caseTimeoutMs,
  })
  return status === 0 && stdout.endsWith('good\n') ? undefined : `${stdout}${stderr}`
}

if (process.getuid?.() !== 0) {
  say('only root may make Debian roots')
  process.stderr.write('run: sudo npm run test:release\n')
  process.exit(2)
}
const work = mkdtempSync(join(tmpdir(), 'kg-release-'))
const failed: string[] = []
try {
  const packages = packAll(join(work, 'packages'))
  const chosen = cases.filter((one) => nameOf(one).includes(options.only))
  for (const one of chosen) {
    const startedAt = performance.now()
    const failure = tryCase(one, packages, work)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
    console.log(`${failure === undefined ? 'good  ' : 'FAILED'} ${nameOf(one)} (${seconds} s)`)
    if (failure === undefined) continue
    failed.push(nameOf(one))
    console.log(failure.trimEnd().replaceAll(/^/gm, '    '))
  }
  console.log(`release: ${chosen.length - failed.length} of ${chosen.length} installations good`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
process.exitCode = failed.length === 0 ? 0 : 1
