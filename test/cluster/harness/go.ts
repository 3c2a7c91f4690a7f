import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath, toolsFolder } from '../../../scripts/test-tools.mjs'

/** Go's own release as a module (https://go.dev/ref/mod#go-mod-file-toolchain): where a module proxy is reached, it is. */
const toolchain = 'golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64'
const sha256 = '30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7'
const proxy = 'https://proxy.golang.org'

/** The first release that can fetch by itself the one that go.mod wants (https://go.dev/doc/toolchain). */
const oldest = [1, 21] as const

/** Where Go's installer puts it (https://go.dev/doc/install): on many machines only interactive shells have it on PATH. */
const installed = '/usr/local/go/bin/go'

/**
 * @returns the Go tool: the machine's, where it is new enough, or else one fetched once, outside the repository.
 * @throws Error where it can't be fetched, or is not the bytes that `sha256` names.
 */
export async function findGo(say: (text: string) => void): Promise<string> {
  const own = [onPath('go'), installed].find((path) => path !== undefined && isNewEnough(path))
  if (own !== undefined) return own
  const folder = join(toolsFolder(), '..', toolchain.replace(/^.*v0.0.1-/, ''))
  const go = join(folder, 'bin', 'go')
  if (!existsSync(go)) await fetchInto(folder, say)
  return go
}

function isNewEnough(path: string): boolean {
  const { stdout } = spawnSync(path, ['version'], { encoding: 'utf8' })
  const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(stdout ?? '') ?? []
  return Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1])
}

async function fetchInto(folder: string, say: (text: string) => void): Promise<void> {
  say('fetching Go')
  const [name, version] = toolchain.split('@')
  const answer = await fetch(`${proxy}/${name}/@v/${version}.zip`)
  if (!answer.ok) throw new Error(`Go can't be fetched: the module proxy says ${answer.status}`)
  const bytes = Buffer.from(await answer.arrayBuffer())
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (digest !== sha256) throw new Error(`Go is not the expected archive: ${digest}`)
  mkdirSync(join(folder, '..'), { recursive: true })
  const work = mkdtempSync(join(folder, '..', 'go-'))
  try {
    writeFileSync(join(work, 'go.zip'), bytes)
    const unpack = spawnSync('python3', ['-m', 'zipfile', '-e', 'go.zip', '.'], {
      cwd: work,
      encoding: 'utf8',
    })
    if (unpack.status !== 0)
      throw new Error(`Go can't be unpacked: ${unpack.error?.message ?? unpack.stderr}`)
    // A module's archive holds no modes.
    const programs = ['bin', 'pkg/tool'].map((place) => join(work, toolchain, place))
    spawnSync('chmod', ['-R', 'a+rx', ...programs])
    renameSync(join(work, toolchain), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
