import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import { node, repository } from '../../fixtures/terminal.ts'
import { packProject, run } from '../../release/packages.ts'

let work: string
let tarball: string

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'kg-package-'))
  tarball = packProject(work)
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** As on a machine where npm runs no script: its default since npm 12. */
function install(prefix: string, file: string): string {
  mkdirSync(join(prefix, 'lib'), { recursive: true })
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  run('npm', ['install', '--global', '--prefix', prefix, ...flags, file], work)
  return join(prefix, 'lib', 'node_modules', 'kubeguard')
}

test('a package holds what a machine needs, and nothing else', async () => {
  const files = run('tar', ['-tzf', tarball], work)
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', ''))
  const folders = new Set(files.map((file) => file.split('/')[0]))
  expect([...folders].toSorted()).toEqual(
    [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bin',
      'dist',
      'docs',
      'native',
      'package.json',
    ].concat(['scripts', 'shell']),
  )
  const processes = readdirSync(join(repository, 'src')).filter((name) =>
    existsSync(join(repository, 'src', name, 'main.ts')),
  )
  const bundles = processes.filter((name) => name !== 'tour').map((name) => `${name}.cjs`)
  const parts = [
    'kubeguard-native',
    'kubeguard-native-libc',
    'kubeguard-reaper',
    'kubeguard-supervisor',
    '.stamp',
  ]
  expect(files.filter((file) => file.startsWith('dist/')).toSorted()).toEqual(
    [
      ...bundles,
      'cli-commands.cjs',
      'licenses.txt',
      'man/kubeguard.1',
      ...parts.map((name) => `native/${name}`),
    ]
      .map((name) => `dist/${name}`)
      .toSorted(),
  )
  expect(files.filter((file) => file.startsWith('scripts/'))).toEqual(['scripts/build-native.mjs'])
  const manifest = JSON.parse(run('tar', ['-xzOf', tarball, 'package/package.json'], work)) as {
    private?: boolean
    dependencies: Record<string, string>
  }
  expect(manifest.private).toBeUndefined()
  // Everything else is in the bundles; their licences come along.
  expect(Object.keys(manifest.dependencies)).toEqual([
    '@zxcvbn-ts/core',
    '@zxcvbn-ts/language-common',
    'better-sqlite3',
    'koffi',
  ])
  expect(run('tar', ['-xzOf', tarball, 'package/dist/licenses.txt'], work)).toMatch(/^openid-client \d/m)
  const bytes = readFileSync(tarball)
  const { messages } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true })
  expect(messages).toEqual([])
})

test('it runs where npm ran no script, init builds what is missing, and it goes without a trace', async () => {
  const prefix = join(work, 'prefix')
  const root = install(prefix, tarball)
  const kubeguard = join(prefix, 'bin', 'kubeguard')
  const native = join(root, 'dist', 'native', 'kubeguard-native')
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    version: string
  }
  expect(run(kubeguard, ['--version'], work).trim()).toBe(version)
  expect(existsSync(native)).toBe(true)

  // As on another architecture. Without a compiler what npm runs after an install fails nothing, and says so.
  rmSync(join(root, 'dist', 'native'), { recursive: true })
  {
    await using home = makeHome()
    const script = join(root, 'scripts', 'build-native.mjs')
    const without = good(await home.run(node, [script], { env: { CC: join(work, 'no-compiler') } }))
    expect(without.stderr).toContain('the slower fallback is used: no compiler')
    expect(existsSync(native)).toBe(false)
    const init = ['init', '--yes', '--passphrase-fd', '3']
    const said = good(await home.run(kubeguard, init, { fd3: passphrase })).stderr
    expect(said).toContain('native parts: built')
    expect(readlinkSync(join(home.shims, 'kubectl'))).toBe(native)
    expect(existsSync(join(root, 'dist', 'native', 'kubeguard-supervisor'))).toBe(true)
  }

  run('npm', ['uninstall', '--global', '--prefix', prefix, 'kubeguard'], work)
  // npm leaves the folders that it made.
  const left = readdirSync(prefix, { recursive: true, withFileTypes: true })
  expect(left.filter((entry) => !entry.isDirectory()).map(({ name }) => name)).toEqual([])
}, 300_000)
