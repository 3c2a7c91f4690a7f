import { describe, expect, test } from 'vitest'
import { fieldText } from '../../../../src/platform/kubeconfig/classify-user.ts'
import { maskSecrets } from '../../../../src/platform/kubeconfig/mask-secrets.ts'
import { outlineOf } from '../../../../src/platform/kubeconfig/outline-kubeconfig.ts'
import { parseKubeconfig } from '../../../../src/platform/kubeconfig/parse-kubeconfig.ts'

const outline = (text: string) => outlineOf(parseKubeconfig('/k', text), '/k')
const kindOf = (user: string): string | undefined =>
  outline(`users: [{name: a, user: ${user}}]`).users[0]?.kind

test('nested so deep that the library throws, it is refused with its place', () => {
  const endless = `${'- '.repeat(10_000)}x\na: b\n`
  expect(() => parseKubeconfig('/k', endless)).toThrow('/k:1:1: it is nested too deep here')
})

describe('outline', () => {
  test.each(['', '\n', '# nothing\n', 'null\n', '---\n', 'apiVersion: v1\n', 'users:\ncontexts: []\n'])(
    'of %j is empty',
    (text) => {
      expect(outline(text)).toEqual({
        path: '/k',
        real: '/k',
        currentContext: undefined,
        contexts: [],
        users: [],
      })
    },
  )

  test('names stay as they are spelled, whatever YAML would make of them', () => {
    const text =
      'current-context: 0123\ncontexts: [{name: 0123, context: {user: 1e3, cluster: "on"}}, {name: d}]\n'
    expect(outline(text)).toMatchObject({
      currentContext: '0123',
      contexts: [
        { name: '0123', user: '1e3', cluster: 'on' },
        { name: 'd', user: '', cluster: '' },
      ],
    })
  })

  test('aliases and merge keys are followed', () => {
    const text = `base: &base {token: x}\nusers:\n- &a {name: a, user: *base}\n- {<<: *a, name: b}\n- {name: c, user: {<<: [*base]}}\n`
    expect(outline(text).users).toEqual(['a', 'b', 'c'].map((name) => ({ name, kind: 'token' })))
  })

  test.each([
    ['{}', 'none'],
    ['{token: ""}', 'none'],
    ['{token: x}', 'token'],
    ['{token: 12345}', 'token'],
    ['{tokenFile: x}', 'token'],
    ['{client-key-data: x}', 'client-certificate'],
    ['{username: x, password: y}', 'basic'],
    ['{token: x, password: y}', 'basic'],
    ['{client-certificate: x, password: y}', 'client-certificate'],
    ['{exec: {command: aws}}', 'exec'],
    ['{exec: {command: aws}, token: x}', 'token'],
    ['{exec: {command: aws}, client-key: x}', 'exec'],
    ['{auth-provider: {name: gcp}, token: x}', 'auth-provider'],
    ['{exec: {command: /x/kubeguard-credential, args: [--policy, p, --credential, c]}}', 'ours'],
    ['{exec: {command: /x/kubeguard-credential, args: [--policy, p, --credential, c]}, token: x}', 'token'],
    ['{exec: {command: /x/kubeguard-credential, args: [--policy]}}', 'exec'],
  ])('%s is %s', (user, kind) => {
    expect(kindOf(user)).toBe(kind)
  })

  test('our own entries name policy and credential', () => {
    const args = '[--policy, prod, --credential, prod.a-01234567]'
    expect(
      outline(`users: [{name: a, user: {exec: {command: /x/kubeguard-credential, args: ${args}}}}]`).users,
    ).toEqual([{ name: 'a', kind: 'ours', policy: 'prod', credential: 'prod.a-01234567' }])
  })
})

const user = 'users:\n- name: a\n  user:'
/** Each line stands for ten of the line before. */
const tenfold = (name: string, line: (before: string) => string): string[] =>
  Array.from({ length: 8 }, (_, at) => `${name}${at + 1}: &${name}${at + 1} ${line(`*${name}${at}`)}`)
const ten = (alias: string): string => Array<string>(10).fill(alias).join()
const bomb = ['b0: &b0 [l]', ...tenfold('b', (alias) => `[${ten(alias)}]`)]
  .map((line) => `      ${line}\n`)
  .join('')
const merges = ['m0: &m0 {token: t}', ...tenfold('m', (alias) => `{<<: [${ten(alias)}]}`)].join('\n')

describe('refused', () => {
  test.each([
    ['a list', '- a\n', 1, 1],
    ['a word', 'hello\n', 1, 1],
    ['the same key twice', 'a: 1\nb: 2\na: 3\n', 3, 1],
    ['a tab', 'users:\n\t- name: a\n', 2, 1],
    ['two documents', 'a: 1\n---\nb: 1\n', 2, 1],
    ['users that are no list', 'users: {a: b}\n', 1, 1],
    ['a user that is no mapping', 'users:\n- name: a\n  user: secret-word\n', 3, 9],
    ['a name twice', 'users:\n- name: a\n- name: a\n', 3, 3],
    ['an alias of nothing', 'users: *x\n', 1, 8],
    ['an open quote', 'users: "secret-word\n', 2, 1],
    ['a mapping that merges itself', 'users:\n- &a\n  <<: *a\n', 3, 7],
    ['an alias in what it stands for', `${user}\n    exec: &e {command: x, self: *e}\n`, 4, 33],
    ['aliases of aliases of aliases, in an exec entry', `${user}\n    exec:\n${bomb}`, 5, 7],
    ['the same with merge keys', `${merges}\nusers:\n- {name: a, user: {<<: *m8}}`, 2, 9],
  ])('%s', (_, text, line, column) => {
    const attempt = (): unknown => outline(text)
    expect(attempt).toThrow(expect.objectContaining({ code: 'kubeconfig-invalid' }))
    expect(attempt).toThrow(/^\/k:\d+:\d+: (?!.*secret-word)/)
    expect(attempt).toThrow(new RegExp(`^/k:${line}:${column}: `))
  })
})

test('a token that YAML parsers read as different numbers is refused where it is used', () => {
  const config = parseKubeconfig('/k', 'users: [{name: a, user: {token: 0123}}]\n')
  const [user] = config.users
  if (user === undefined) throw new Error('a user is expected')
  expect(outlineOf(config, '/k').users).toEqual([{ name: 'a', kind: 'token' }])
  expect(() => fieldText(config, user, 'token')).toThrow(/^\/k:1:26: this value is read as a number/)
})

test('secrets are masked wherever a user has them', () => {
  const text = `users:
- name: a
  user: {token: s1, tokenFile: /f, client-key-data: s2, client-key: /k, password: s3, as: me}
- name: b
  user:
    token: |
      s4
      s5
    exec: {command: s6, env: [{name: s7, value: s8}]}
    auth-provider: {config: {id-token: "s9"}}
`
  const masked = maskSecrets(parseKubeconfig('/k', text))
  expect(masked).not.toMatch(/s[1-9]/)
  expect(masked).toContain(
    '{token: ***, tokenFile: /f, client-key-data: ***, client-key: /k, password: ***, as: me}',
  )
})
