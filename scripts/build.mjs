// Builds dist/: one CommonJS bundle per process, and the native binaries. Runs on any Node from 20.
import { mkdirSync } from 'node:fs'
import { readdirSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const processes = readdirSync(join(root, 'src')).filter((name) =>
  existsSync(join(root, 'src', name, 'main.ts')),
)

mkdirSync(join(root, 'dist'), { recursive: true })
buildSync({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(processes.map((name) => [name, `src/${name}/main.ts`])),
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node26',
  define: { 'import.meta.dirname': '__dirname' },
  external: ['better-sqlite3', 'koffi', 'node-pty'],
  logLevel: 'warning',
})

if (existsSync(join(root, 'scripts', 'build-native.mjs'))) await import('./build-native.mjs')
