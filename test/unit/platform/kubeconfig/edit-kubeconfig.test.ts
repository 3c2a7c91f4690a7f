import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { editKubeconfig } from '../../../../src/platform/kubeconfig/edit-kubeconfig.ts'
import { parseKubeconfig } from '../../../../src/platform/kubeconfig/parse-kubeconfig.ts'
import type { UserEntry } from '../../../../src/platform/kubeconfig/parse-kubeconfig.ts'

const exec = {
  apiVersion: 'client.authentication.k8s.io/v1',
  args: ['--policy', 'p'],
  provideClusterInfo: false,
}

function userOf(text: string, name: string): { config: ReturnType<typeof parseKubeconfig>; user: UserEntry } {
  const config = parseKubeconfig('/k', text)
  const user = config.users.find((candidate) => candidate.name === name)
  if (user === undefined) throw new Error(`no user ${name}`)
  return { config, user }
}

function replaceToken(text: string, name = 'a', remove = ['token'], add: object = { exec }): string {
  const { config, user } = userOf(text, name)
  return editKubeconfig(config, [{ edit: 'fields', user, remove, add: { ...add } }])
}

const blockExec = (indent: string): string =>
  `exec:\n  apiVersion: client.authentication.k8s.io/v1\n  args:\n  - --policy\n  - p\n  provideClusterInfo: false\n`
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line))
    .join('\n')

describe('fields', () => {
  test.each([
    ['plain', 'users:\n- name: a\n  user:\n    token: x\n', 'users:\n- name: a\n  user:\n', '    ', ''],
    [
      'comments, order, odd indentation',
      'users:\n    # who\n    -   user:\n           # t\n           token: x # gone with it\n           as: y # stays\n        name: a # n\n# end\n',
      'users:\n    # who\n    -   user:\n           # t\n',
      '           ',
      '           as: y # stays\n        name: a # n\n# end\n',
    ],
    [
      'quoted keys, several lines',
      `users:\n- name: "a"\n  "user":\n    'token': "x\n      y"\n    as: z\n`,
      'users:\n- name: "a"\n  "user":\n',
      '    ',
      '    as: z\n',
    ],
    [
      'block scalar, blank lines kept',
      'users:\n- name: a\n  user:\n    token: |-\n      x\n\n    # c\n    as: z\n',
      'users:\n- name: a\n  user:\n',
      '    ',
      '\n    # c\n    as: z\n',
    ],
  ])('%s', (_, text, before, indent, after) => {
    expect(replaceToken(text)).toBe(before + blockExec(indent) + after)
  })

  test('no line end at the end', () => {
    const text = 'users:\n- name: a\n  user:\n    token: x'
    expect(replaceToken(text)).toBe(`users:\n- name: a\n  user:\n${blockExec('    ')}`.trimEnd())
  })

  test('CRLF', () => {
    const text = 'users:\r\n- name: a\r\n  user:\r\n    token: x\r\n    as: y\r\n'
    const crlf = blockExec('    ').replaceAll('\n', '\r\n')
    expect(replaceToken(text)).toBe(`users:\r\n- name: a\r\n  user:\r\n${crlf}    as: y\r\n`)
  })

  test('flow style', () => {
    const text = 'users: [{name: a, user: {as: y, token: x, tokenFile: "/f"}}, {name: b}] # c\n'
    expect(replaceToken(text, 'a', ['token', 'tokenFile'])).toBe(
      `users: [{name: a, user: {as: y, "exec": ${JSON.stringify(exec)}}}, {name: b}] # c\n`,
    )
  })

  test.each([undefined, 2, 4, '\t'])('JSON, indented by %j', (indent) => {
    const value = {
      kind: 'Config',
      users: [
        { name: 'a', user: { token: 'x', as: 'y' } },
        { name: 'b', user: {} },
      ],
    }
    const edited = replaceToken(JSON.stringify(value, undefined, indent))
    expect(JSON.parse(edited)).toEqual({
      ...value,
      users: [{ name: 'a', user: { exec, as: 'y' } }, value.users[1]],
    })
  })

  test('a byte order mark stays', () => {
    expect(
      replaceToken('\ufeffusers:\n- name: a\n  user:\n    token: x\n').startsWith('\ufeffusers:\n'),
    ).toBe(true)
  })
})

describe('users and contexts', () => {
  const text = `contexts:\n- {name: c, context: {user: a}}\n- name: d\n  context:\n    user: a # whose\nusers:\n- name: a\n  user:\n    token: x\n# b\n- name: b\n  user: {}\n`

  test('a user is put after another and taken out again', () => {
    const { config, user } = userOf(text, 'a')
    const [c, d] = config.contexts
    if (c === undefined || d === undefined) throw new Error('two contexts are expected')
    const more = editKubeconfig(config, [
      { edit: 'fields', user, remove: ['token'], add: { exec } },
      { edit: 'add-user', after: user, name: 'a-2', fields: { exec } },
      { edit: 'point-context', context: d, user: 'a-2' },
    ])
    expect(more).toContain('    user: a-2 # whose\n')
    expect(more).toContain(`- name: a-2\n  user:\n${blockExec('    ')}# b\n`)
    const again = parseKubeconfig('/k', more)
    const [first, second] = again.users as [UserEntry, UserEntry]
    const back = editKubeconfig(again, [
      { edit: 'fields', user: first, remove: ['exec'], add: { token: 'x' } },
      { edit: 'remove-user', user: second },
      { edit: 'point-context', context: again.contexts[1] as (typeof again.contexts)[1], user: 'a' },
    ])
    expect(back).toBe(text)
  })

  test.each(['on', '0123', 'a b', '*star', 'x: y', '2024-01-01', 'ü', 'a#b', "it's", ''])(
    'a user named %j',
    (name) => {
      const { config, user } = userOf(text, 'a')
      const contexts = config.contexts.map(
        (context) => ({ edit: 'point-context', context, user: name }) as const,
      )
      const edited = parse(
        editKubeconfig(config, [...contexts, { edit: 'add-user', after: user, name, fields: {} }]),
      )
      expect(edited.users[1].name).toBe(name)
      expect(edited.contexts.map((entry: { context: { user: string } }) => entry.context.user)).toEqual([
        name,
        name,
      ])
    },
  )
})

describe('refused, with a place and without a value', () => {
  test.each([
    [
      'an alias',
      'users:\n- name: a\n  user:\n    token: &t x-secret\n- name: b\n  user:\n    token: *t\n',
      'b',
    ],
    ['an anchor that is used elsewhere', 'users:\n- name: a\n  user:\n    token: &t x-secret\nx: *t\n', 'a'],
    ['a merge key', 'base: &b\n  token: x-secret\nusers:\n- name: a\n  user:\n    <<: *b\n', 'a'],
    ['an aliased user', 'base: &b\n  token: x-secret\nusers:\n- name: a\n  user: *b\n', 'a'],
    ['an explicit key', 'users:\n- name: a\n  user:\n    ? token\n    : x-secret\n', 'a'],
  ])('%s', (_, text, name) => {
    expect(() => replaceToken(text, name)).toThrow(/^\/k:\d+:\d+: (?!.*x-secret)/)
  })
})

const name = fc.stringMatching(/^[a-z][a-z0-9 :#'"@/.-]{0,12}$/)
const value = fc.oneof(fc.string(), fc.constantFrom('on', '0123', '1e3', '~', '- x', 'a: b', '#c', 'x\ny\n'))
const extra = fc.dictionary(fc.constantFrom('as', 'as-uid', 'extensions', 'zz'), value)
const users = fc.uniqueArray(fc.record({ name, user: fc.tuple(extra, value) }), {
  selector: (user) => user.name,
  minLength: 1,
  maxLength: 4,
})
const layout = fc.record({
  indent: fc.integer({ min: 2, max: 6 }),
  indentSeq: fc.boolean(),
  style: fc.constantFrom('block', 'flow', 'json', 'json-pretty'),
  crlf: fc.boolean(),
  endless: fc.boolean(),
})

test('any layout: only the edited entry changes, and the way back is exact in meaning', () => {
  fc.assert(
    fc.property(users, layout, fc.nat(), (list, how, which) => {
      const entries = list.map((entry) => ({
        name: entry.name,
        user: { ...entry.user[0], token: entry.user[1] },
      }))
      const config = { kind: 'Config', users: entries, zzz: 'end' }
      const text = layOut(config, how)
      const chosen = entries[which % entries.length] as (typeof entries)[number]
      const edited = replaceToken(text, chosen.name)
      const { token: secret, ...kept } = chosen.user
      const expected = entries.map((entry) =>
        entry === chosen ? { ...entry, user: { ...kept, exec } } : entry,
      )
      expect(parse(edited)).toEqual({ ...config, users: expected })
      const back = replaceToken(edited, chosen.name, ['exec'], { token: secret })
      expect(parse(back)).toEqual(config)
      const changed = edited.length - commonEnds(text, edited)
      expect(changed).toBeLessThan(1200)
    }),
    { numRuns: 300 },
  )
})

function layOut(
  config: object,
  how: { indent: number; indentSeq: boolean; style: string; crlf: boolean; endless: boolean },
) {
  const { indent, indentSeq, style } = how
  const text =
    style === 'json' || style === 'json-pretty'
      ? JSON.stringify(config, undefined, style === 'json' ? undefined : indent)
      : stringify(config, {
          indent,
          indentSeq,
          collectionStyle: style === 'flow' ? 'flow' : 'block',
          version: '1.1',
        })
  const ended = how.endless ? text.replace(/\n$/, '') : text
  return how.crlf ? ended.replaceAll('\n', '\r\n') : ended
}

/** Bytes at both ends that two texts share. */
function commonEnds(a: string, b: string): number {
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end += 1
  return start + end
}
