import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defaultPolicy } from '../../src/domain/default-policies.ts'
import { formatDuration } from '../../src/domain/duration.ts'
import { policyKeys } from '../../src/domain/policy-fields.ts'

/** The rows of docs/cli.md: field, and what holds unless it is said. */
function rows(): Map<string, string> {
  const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
  const table = /\| field \| unless said \| what \|\n\| [- |]+\n((?:\|.*\n)+)/.exec(page)?.[1] ?? ''
  const cells = table.split('\n').map((line) => line.split(' | '))
  return new Map(
    cells.flatMap(([fields = '', usual = '']) => {
      const values = usual.split(', ')
      const names = [...fields.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
      return names.map((name, index): [string, string] => [name, values[index] ?? ''])
    }),
  )
}

test('docs/cli.md lists every field of a policy', () => {
  expect([...rows().keys()].toSorted()).toEqual([...policyKeys].toSorted())
})

test('and what holds unless it is said', () => {
  const {
    idleMs,
    lifetimeMs,
    warnMs,
    finishMs,
    holders,
    hold,
    absorb,
    live,
    materialize,
    access,
    impersonate,
    lockOutAfter,
    lockOutForMs,
    notify,
    escape,
    pinentry,
  } = defaultPolicy
  const times = {
    idle: idleMs,
    lifetime: lifetimeMs,
    warn: warnMs,
    finish: finishMs,
    lockOutFor: lockOutForMs,
  }
  const usual = {
    ...Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, formatDuration(ms)])),
    holders,
    hold,
    absorb,
    live,
    access,
    impersonate,
    pinentry: pinentry === '' ? 'off' : pinentry,
    notify,
    escape,
    lockOutAfter: String(lockOutAfter),
    materialize: String(materialize),
    ...Object.fromEntries(
      (['env', 'wipe', 'onLock', 'onMisuse', 'deny'] as const).map((name) => [
        name,
        JSON.stringify(defaultPolicy[name]),
      ]),
    ),
  }
  for (const [name, value] of Object.entries(usual))
    expect([name, rows().get(name)]).toEqual([name, `\`${value}\``])
})
