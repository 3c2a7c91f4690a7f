import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { folderRules, objection } from '../../scripts/import-rules.ts'
import type { Import } from '../../scripts/import-rules.ts'

const root = join(import.meta.dirname, '..', '..')
const src = join(root, 'src')

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')`, `require('x')`. */
const importPattern =
  /^\s*(?:import|export)\s+(?<type>type\s)?(?:[^'"`;]*?\sfrom\s+)?'(?<named>[^']+)'|\b(?:import|require)\(\s*'(?<called>[^']+)'/gm

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(importPattern)].map(({ groups }) => {
    const specifier = groups?.['named'] ?? groups?.['called'] ?? ''
    const ours = specifier.startsWith('.')
    const target = ours ? normalize(join(dirname(file), specifier)) : specifier
    return { from: file, target, ours, typeOnly: groups?.['type'] !== undefined }
  })
}

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(src, file), 'utf8') }))

describe('who imports whom', () => {
  test('the scan sees every way to import', () => {
    const text = [
      "import { a } from '../domain/a.ts'",
      "import type { b } from '../domain/b.ts'",
      "import {\n  c,\n} from 'node:fs'",
      "export { d } from './d.ts'",
      "import 'reflect'",
      "const e = await import('../e.ts')",
    ].join('\n')
    expect(importsOf('daemon/x.ts', text)).toEqual([
      { from: 'daemon/x.ts', target: 'domain/a.ts', ours: true, typeOnly: false },
      { from: 'daemon/x.ts', target: 'domain/b.ts', ours: true, typeOnly: true },
      { from: 'daemon/x.ts', target: 'node:fs', ours: false, typeOnly: false },
      { from: 'daemon/x.ts', target: 'daemon/d.ts', ours: true, typeOnly: false },
      { from: 'daemon/x.ts', target: 'reflect', ours: false, typeOnly: false },
      { from: 'daemon/x.ts', target: 'e.ts', ours: true, typeOnly: false },
    ])
  })

  test('every folder of src/ has a rule', () => {
    expect(Object.keys(folderRules)).toEqual(expect.arrayContaining(readdirSync(src)))
  })

  test('no import goes the wrong way', () => {
    const objections = sources.flatMap(({ file, text }) =>
      importsOf(file, text).flatMap((found) => {
        const why = objection(found)
        return why === undefined ? [] : [`src/${file}: ${found.target}: ${why}`]
      }),
    )
    expect(objections).toEqual([])
  })
})

/** One forbidden import each; the table and the linter must both refuse it. */
const forbidden: readonly (readonly [file: string, line: string])[] = [
  ['domain/a.ts', "import { readFileSync as x } from 'node:fs'"],
  ['domain/a.ts', "import type { Socket as x } from 'node:net'"],
  ['domain/a.ts', "import { x } from '../usecases/ports.ts'"],
  ['protocol/a.ts', "import { x } from '../platform/dirs.ts'"],
  ['usecases/a.ts', "import { x } from '../protocol/frame.ts'"],
  ['usecases/a.ts', "import type { x } from '../platform/dirs.ts'"],
  ['usecases/a.ts', "import { readFile as x } from 'node:fs/promises'"],
  ['platform/a.ts', "import { x } from '../daemon/main.ts'"],
  ['platform/a.ts', "import { Encrypter as x } from 'age-encryption'"],
  ['daemon/a.ts', "import { x } from '../platform/vault/seal-pending.ts'"],
  ['daemon/a.ts', "import { x } from '../platform/kubeconfig/outline.ts'"],
  ['daemon/a.ts', "import { x } from '../client/open.ts'"],
  ['keeper/a.ts', "import { x } from '../platform/journal/open.ts'"],
  ['scribe/a.ts', "import { x } from '../platform/journal/open.ts'"],
  ['client/a.ts', "import { x } from '../platform/vault/item.ts'"],
  ['cli/commands/a.ts', "import { x } from '../../platform/kubeconfig/outline.ts'"],
  ['cli/commands/a.ts', "import { x } from '../../usecases/lock-session.ts'"],
  ['playground/a.ts', "import { spawn as x } from 'node:child_process'"],
  ['shim/a.ts', "import { Session as x } from 'node:inspector'"],
  ['hardening/a.ts', "import { x } from '../platform/vault/item.ts'"],
  ['domain/a.ts', "import { x } from '../factors/keeper.ts'"],
  ['domain/a.ts', "import { x } from '../factors/passphrase/settings.ts'"],
  ['factors/passphrase/settings.ts', "import { readFileSync as x } from 'node:fs'"],
  ['factors/passphrase/client/a.ts', "import { x } from '../../../platform/vault/item.ts'"],
  ['factors/passphrase/client.ts', "import { x } from '../../keeper/holdings.ts'"],
  ['factors/passphrase/keeper.ts', "import { x } from '../../platform/journal/chain.ts'"],
  ['factors/passphrase/keeper/a.ts', "import { x } from '../client.ts'"],
  ['daemon/a.ts', "import { x } from '../factors/keeper.ts'"],
  ['cli/a.ts', "import { x } from '../factors/passphrase/client.ts'"],
]

describe('the linter enforces the same table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubeguard-imports-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(forbidden)('%s: %s: refused by the table', (file, line) => {
    expect(importsOf(file, line).map(objection)).toEqual([expect.any(String)])
  })

  test('every one of them is an error of oxlint too', () => {
    writeFileSync(
      join(folder, 'oxlint.config.ts'),
      `export { default } from '${join(root, 'oxlint.config.ts')}'\n`,
    )
    const files = forbidden.map(([file, line], index) => writeCase(file, line, index))
    const oxlint = join(root, 'node_modules', '.bin', 'oxlint')
    const run = spawnSync(oxlint, ['--format', 'unix', 'src'], { cwd: folder, encoding: 'utf8' })
    const refused = run.stdout
      .split('\n')
      .filter((line) => line.includes('Error/eslint(no-restricted-imports)'))
    expect(refused.map((line) => line.split(':')[0]).toSorted()).toEqual(files.toSorted())
    expect(run.status).toBe(1)
  })

  function writeCase(file: string, line: string, index: number): string {
    const path = join('src', dirname(file), `case-${index}.ts`)
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    writeFileSync(join(folder, path), `${line}\n\nexport const used: typeof x = undefined as never\n`)
    return path
  }
})
