// Style, types, unused code and shell scripts, side by side, one line each: `npm run check`.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const tools = join(root, 'node_modules', '.bin')
const runtime = join(tools, 'node')
const env = { ...process.env, PATH: tools + delimiter + process.env.PATH, NO_COLOR: '1' }

/** A check that hangs is a failed check. */
const checkTimeoutMs = 5 * 60_000

const tool = (name, ...args) => ({ command: join(tools, name), args })

/** Files of these folders, as paths from the root. */
function filesIn(folders, suits) {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter(suits)
}

const firstLine = (file) => readFileSync(join(root, file), 'utf8').split('\n', 1)[0]
const isPosixShell = (file) => file.endsWith('.bash') || /^#!.*\b(sh|bash|dash)\b/.test(firstLine(file))
const shellFolders = [
  'shell',
  'bin',
  '.ci',
  'scripts',
  'test/fixtures',
  'test/cluster/harness',
  'test/release',
]

function isInstalled(program) {
  return env.PATH.split(delimiter).some((folder) => existsSync(join(folder, program)))
}

/** `name -n` on each file with that ending; shells read one script a time. */
function syntaxOnly(shell) {
  return filesIn(shellFolders, (file) => file.endsWith(`.${shell}`)).map((file) => ({
    name: `${shell} -n ${file}`,
    needs: shell,
    command: shell,
    args: ['-n', file],
  }))
}

function checks() {
  const scripts = filesIn(shellFolders, isPosixShell)
  return [
    { name: 'format', cure: 'node_modules/.bin/oxfmt', ...tool('oxfmt', '--check') },
    { name: 'lint', cure: 'node_modules/.bin/oxlint --fix', ...tool('oxlint', '--deny-warnings') },
    { name: 'types', ...tool('tsc', '--noEmit') },
    { name: 'unused', ...tool('knip', '--no-progress') },
    ...(scripts.length > 0
      ? [{ name: 'shellcheck', needs: 'shellcheck', command: 'shellcheck', args: ['-x', ...scripts] }]
      : []),
    ...syntaxOnly('zsh'),
    ...syntaxOnly('fish'),
  ]
}

/** @returns what happened; the output only matters when it failed. */
function run({ name, command, args, cure, needs }) {
  if (needs !== undefined && !isInstalled(needs)) return { name, skipped: `${needs} is not installed` }
  const startedAtMs = Date.now()
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: checkTimeoutMs,
    })
    const output = []
    child.stdout.on('data', (chunk) => output.push(chunk))
    child.stderr.on('data', (chunk) => output.push(chunk))
    child.on('error', (error) => output.push(Buffer.from(`${error.message}\n`)))
    child.on('close', (code) => {
      resolve({
        name,
        cure,
        ok: code === 0,
        output: Buffer.concat(output).toString(),
        ms: Date.now() - startedAtMs,
      })
    })
  })
}

function report({ name, ok, skipped, output, cure, ms }) {
  if (skipped !== undefined) return console.log(`skipped  ${name}: ${skipped}`)
  console.log(`${ok ? 'ok      ' : 'FAILED  '} ${name} (${(ms / 1000).toFixed(1)} s)`)
  if (ok) return undefined
  console.log(output.trimEnd().replaceAll(/^/gm, '    '))
  if (cure !== undefined) console.log(`    to mend what can be mended: ${cure}`)
  return undefined
}

/** Writes the generated files anew: a difference means that somebody changed one side only. */
async function generated() {
  const files = [
    'native/protocol.h',
    'native/reaper/programs.h',
    'docs/protocol.md',
    'docs/cluster-check.md',
    'docs/errors.md',
  ]
  const read = () =>
    files.map((file) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''))
  const before = read()
  const result = await run({ name: 'generated', command: runtime, args: ['scripts/generate.mjs'] })
  const after = read()
  const stale = files.filter((_, index) => before[index] !== after[index])
  if (!result.ok || stale.length === 0) return result
  return {
    ...result,
    ok: false,
    output: `${stale.join(', ')} did not fit src; written anew, commit that`,
  }
}

const results = await Promise.all(
  [...checks().map(run), generated()].map(async (pending) => {
    const result = await pending
    report(result)
    return result
  }),
)
const failed = results.filter(({ ok, skipped }) => !ok && skipped === undefined)
console.log(
  failed.length === 0
    ? 'check: all good'
    : `check: ${failed.length} failed: ${failed.map(({ name }) => name).join(', ')}`,
)
process.exitCode = failed.length === 0 ? 0 : 1
