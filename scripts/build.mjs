// Builds dist/: one CommonJS bundle per process, the man page, and the native binaries. Runs on any Node from 20.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const processes = readdirSync(join(root, 'src')).filter((name) =>
  existsSync(join(root, 'src', name, 'main.ts')),
)

mkdirSync(join(root, 'dist'), { recursive: true })

/** @param {Record<string, string>} entryPoints @param {import('esbuild').Plugin[]} [plugins] */
const bundle = (entryPoints, plugins = []) =>
  build({
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    define: { 'import.meta.dirname': '__dirname' },
    // The dictionaries of zxcvbn are large, and needed where a passphrase is chosen alone.
    external: ['better-sqlite3', 'koffi', 'node-pty', '@zxcvbn-ts/core', '@zxcvbn-ts/language-common'],
    plugins,
    metafile: true,
    logLevel: 'warning',
  })

// `kubeguard status` stands in prompts and scripts: it must not parse the other commands, so these are a file apart.
const commandsApart = {
  name: 'commands-apart',
  setup: (/** @type {import('esbuild').PluginBuild} */ { onResolve }) =>
    onResolve({ filter: /^\.\/program\.ts$/ }, () => ({ path: './cli-commands.cjs', external: true })),
}
const entryOf = (/** @type {string} */ name) => [name, `src/${name}/main.ts`]
const built = await Promise.all([
  bundle(Object.fromEntries(processes.filter((name) => name !== 'cli').map(entryOf))),
  bundle({ cli: 'src/cli/main.ts' }, [commandsApart]),
  bundle({ 'cli-commands': 'src/cli/program.ts' }),
])

// The one step that reads TypeScript as it is, which the pinned runtime does.
const runtime = join(root, 'node_modules', '.bin', 'node')
execFileSync(runtime, [join(root, 'scripts', 'build-man.mjs')], { stdio: ['ignore', 2, 2] })

/** The packages whose code the bundles hold, as folders of node_modules. */
const bundled = new Set(
  built
    .flatMap(({ metafile }) => Object.keys(metafile.inputs))
    .flatMap((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
)

/** Their licences ask to go along with every copy. */
function licenceOf(/** @type {string} */ folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
  const files = readdirSync(join(root, folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
  const texts = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim())
  return [`${name} ${version} (${license})`, ...texts].join('\n\n')
}
const rule = `\n\n${'-'.repeat(80)}\n\n`
writeFileSync(join(root, 'dist', 'licenses.txt'), `${[...bundled].sort().map(licenceOf).join(rule)}\n`)

if (existsSync(join(root, 'scripts', 'build-native.mjs'))) await import('./build-native.mjs')
