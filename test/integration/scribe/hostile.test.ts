import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditReport } from '../../../src/protocol/reports.ts'
import type { OutlinedFile } from '../../../src/platform/scribes/job.ts'
import { adopt, adoptJob, bundleScribe, makeHome, resultOf, run } from './scribe-fixture.ts'
import type { Home } from './scribe-fixture.ts'

const program = bundleScribe()
let home: Home
beforeAll(async () => {
  home = await makeHome()
})
afterAll(() => home.remove())

/** Longer than any of these may take, on a busy machine; a hang is what is looked for. */
const patienceMs = 60_000

const lines = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('\n')
const laughs = `a0: &a0 [x, x]\n${lines(40, (at) => `a${at + 1}: &a${at + 1} [*a${at}, *a${at}, *a${at}]`)}\n`
const merges = `m0: &m0 {a: 1}\n${lines(14, (at) => `m${at + 1}: &m${at + 1} {<<: [${`*m${at},`.repeat(9)}]}`)}\n`

/** The text, and where it is refused: line and column, or the words where a file has no such place. */
const hostile: Record<string, [text: string | Buffer, refused: RegExp]> = {
  'aliases that multiply': [
    `${laughs}users:\n- name: a\n  user: {exec: *a40}\n`,
    /:\d+:\d+: its anchors and aliases/,
  ],
  'merge keys that multiply': [`${merges}users:\n- name: a\n  user: *m14\n`, /:\d+:\d+: its merge keys/],
  'an alias in a circle': [
    'users: &u\n- name: a\n  user: {exec: *u}\n',
    /:3:16: this alias leads in a circle/,
  ],
  'the same key twice': [
    'users:\n- name: a\n  user:\n    token: x\n    token: y\n',
    /:5:5: the same key stands here twice/,
  ],
  'a hundred thousand keys, one of them twice': [
    `${lines(100_000, (at) => `k${at}: v`)}\nk0: v\n`,
    /:100001:1: the same key/,
  ],
  'a tab': ['users:\n\t- name: a\n', /:2:1: a tab is used/],
  'lists in lists': ['['.repeat(200_000), /:1:\d+: it is nested too deep/],
  'mappings in mappings': [lines(3000, (at) => `${' '.repeat(at)}a:`), /:\d+:\d+: it is nested too deep/],
  'ten million entries': [`[${'a,'.repeat(10_000_000)}]`, /:1:\d+: more than 300,000 lines and entries/],
  'ten million lines': ['#\n'.repeat(10_000_000), /:300001:2: more than 300,000/],
  'an open quote, 20 MB long': [`users: "${'x'.repeat(20_000_000)}`, /:1:\d+: is not valid YAML/],
  '50 MB': [Buffer.alloc(50 * 1024 * 1024, '#'), / is larger than 32 MiB/],
  'binary': [Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0, 0]), / is not UTF-8 text/],
  'NULs': ['users:\n- name: a\0b\n  user: {token: x}\n\0', /:\d+:\d+: /],
  'half a surrogate in UTF-16': [Buffer.from('users:\n', 'utf16le'), /:\d+:\d+: | is not UTF-8/],
}

test.each(Object.entries(hostile))(
  '%s: every job says where, and changes nothing',
  async (_, [text, refused]) => {
    const path = join(home.kube, 'hostile')
    writeFileSync(path, text, { mode: 0o600 })
    const [outlined] = resultOf(await run<OutlinedFile[]>(program, home, { job: 'outline', paths: [path] }))
    const adopted = await run(program, home, adoptJob(home, [path]))
    const { findings } = resultOf(
      await run<AuditReport>(program, home, { job: 'audit', paths: [path], searchPath: '' }),
    )
    expect(outlined?.failure ?? {}).toMatchObject({ code: 'kubeconfig-invalid' })
    for (const message of [
      outlined?.failure?.message,
      adopted.ok ? undefined : adopted.message,
      findings[0]?.message,
    ]) {
      expect(message).toMatch(refused)
      expect(message).toContain(path)
    }
    expect(findings[0]).toMatchObject({ rule: 'unreadable-file', file: path })
    expect(readFileSync(path).equals(Buffer.from(text))).toBe(true)
  },
  patienceMs,
)

test('links in a circle, and a folder in the place of a file', async () => {
  const [one, two] = [join(home.kube, 'one'), join(home.kube, 'two')]
  symlinkSync(one, two)
  symlinkSync(two, one)
  for (const path of [one, home.kube]) {
    const adopted = await run(program, home, adoptJob(home, [path]))
    expect(adopted).toMatchObject({ ok: false, code: 'kubeconfig-invalid' })
    const report = resultOf(
      await run<AuditReport>(program, home, { job: 'audit', paths: [path], searchPath: '' }),
    )
    expect(report.findings).toMatchObject([{ rule: 'unreadable-file', file: path }])
  }
})

test.each(['', '\n', 'apiVersion: v1\n', 'users:\n', 'contexts: []\nusers: []\n', 'users: [{name: a}]\n'])(
  'sections that are missing are no mistake: %j',
  async (text) => {
    const path = join(home.kube, 'bare')
    writeFileSync(path, text, { mode: 0o600 })
    const { findings } = resultOf(
      await run<AuditReport>(program, home, { job: 'audit', paths: [path], searchPath: '' }),
    )
    expect(findings).toEqual([])
    expect((await adopt(program, home, [path])).adopted).toEqual([])
    expect(readFileSync(path, 'utf8')).toBe(text)
  },
)
