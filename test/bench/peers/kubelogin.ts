import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../../cluster/harness/build.ts'
import { findGo } from '../../cluster/harness/go.ts'

const module = 'github.com/int128/kubelogin'
const version = 'v1.36.2'
/** As `go.sum` has it; it covers the module's own go.sum, and so all that is built into it. */
const sum = 'h1:DgT5FydGmR90KRh7R7uKGH2hyM1ofF9GrR8BE13SeBs='

const buildTimeoutMs = 20 * 60_000

export const kubeloginName = `kubelogin ${version}`

/** The real one, built once from the Go module. @returns its path. @throws Error with what the Go tool said. */
export async function buildKubelogin(say: (text: string) => void): Promise<string> {
  const file = join(cacheFolder(), `kubelogin-${version}`)
  if (existsSync(file)) return file
  say(`building ${kubeloginName}, once`)
  const go = await findGo(say)
  mkdirSync(cacheFolder(), { recursive: true })
  const work = mkdtempSync(join(cacheFolder(), 'kubelogin-'))
  try {
    // A checksum database is not reached everywhere: the sum is compared here.
    const env = { ...process.env, GOSUMDB: 'off', CGO_ENABLED: '0' }
    const run = (args: readonly string[], cwd: string): string => {
      const { status, stdout, stderr, error } = spawnSync(go, args, {
        cwd,
        env,
        encoding: 'utf8',
        timeout: buildTimeoutMs,
      })
      if (status !== 0) throw new Error(`go ${args.join(' ')} failed: ${error?.message ?? stderr}`)
      return stdout
    }
    const got = JSON.parse(run(['mod', 'download', '-json', `${module}@${version}`], work)) as {
      Dir: string
      Sum: string
    }
    if (got.Sum !== sum) throw new Error(`${module}@${version} is not the expected module: ${got.Sum}`)
    const source = join(work, 'source')
    cpSync(got.Dir, source, { recursive: true })
    spawnSync('chmod', ['-R', 'u+w', source])
    run(
      [
        'build',
        '-mod=readonly',
        '-trimpath',
        '-buildvcs=false',
        '-ldflags=-s -w',
        '-o',
        join(work, 'kubelogin'),
        '.',
      ],
      source,
    )
    renameSync(join(work, 'kubelogin'), file)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return file
}
