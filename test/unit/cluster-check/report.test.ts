import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { isFoundAt, Notes, shellWord } from '../../../src/cluster-check/report.ts'

const about = { user: 'a', server: 'b', platform: 'server' as const }

test('worst first, then in the catalogue’s order, then by place', () => {
  const notes = new Notes()
  notes.found('anonymous-access', { kind: 'path', name: '/api' }, '')
  notes.found('audit-off', { kind: 'flag', name: 'x' }, '')
  notes.found('token-secret', { kind: 'secret', namespace: 'b', name: 'x' }, '')
  notes.found('token-secret', { kind: 'secret', namespace: 'a', name: 'x' }, '')
  notes.unseen('z', 'right')
  notes.unseen('a', 'right')
  notes.unseen('a', 'right')
  const report = notes.report(about)
  expect(report.findings.map(({ rule, place }) => `${rule} ${place}`)).toEqual([
    'token-secret secret a/x',
    'token-secret secret b/x',
    'audit-off flag x',
    'anonymous-access path /api',
  ])
  expect(report.notSeen.map(({ what }) => what)).toEqual(['a', 'z'])
  expect([isFoundAt(report, 'high'), isFoundAt({ ...report, findings: [] }, 'low')]).toEqual([true, false])
})

test('of one kind no more than a person reads, and the rest counted', () => {
  const notes = new Notes()
  for (let count = 0; count < 60; count += 1)
    notes.found('token-secret', { kind: 'secret', namespace: 'a', name: `s${count}` }, '')
  const { findings, leftOut } = notes.report(about)
  expect([findings.length, leftOut]).toEqual([50, 10])
})

test('the setting has the object’s own name, and nothing of that name is run by who pastes it', () => {
  const evil = `x'; touch "$HOME"; echo '`
  const notes = new Notes()
  notes.found('cluster-admin-for-all', { kind: 'rolebinding', namespace: 'a', name: evil }, '')
  const [finding] = notes.report(about).findings
  const printed = execFileSync('/bin/sh', [
    '-c',
    `kubectl() { printf '%s|' "$@"; }; ${finding?.settings.server}`,
  ])
  expect(printed.toString()).toBe(`delete|rolebinding|-n|a|${evil}|`)
})

test.each([
  ['system:node-x.y_z', 'system:node-x.y_z'],
  ['two words', `'two words'`],
  ['--all', `-- '--all'`],
  ['-n', `-- '-n'`],
  ['', `''`],
])('%j in a shell', (text, word) => expect(shellWord(text)).toBe(word))
