import { expect, test } from 'vitest'
import { GuardError } from '../../../../src/domain/errors.ts'
import { addPolicies, rawPolicy } from '../../../../src/platform/policy-file/add-policies.ts'

const policy = { name: 'oidc', contexts: ['dev'], unlock: ['oidc'] }
const add = (text: string, before = 'default') =>
  addPolicies(text, '/config.yaml', [{ policy, before, comment: 'new' }])

const text = `# mine
apiVersion: kubeguard.dev/v1
policies:
  # strict
  - {name: prod, contexts: ["prod-*"]}   # flow
  # the rest,
  # whatever it is
  - name: default
    contexts: ['*']
`

test('a policy comes before another one and its comments, and nothing else changes', () => {
  expect(add(text)).toBe(`# mine
apiVersion: kubeguard.dev/v1
policies:
  # strict
  - {name: prod, contexts: ["prod-*"]}   # flow
  # new
  - name: oidc
    contexts:
      - dev
    unlock:
      - oidc
  # the rest,
  # whatever it is
  - name: default
    contexts: ['*']
`)
})

test('where the file does not have that one it comes first', () => {
  const added = add(text, 'elsewhere')
  expect(added.indexOf('# new')).toBeLessThan(added.indexOf('# strict'))
})

test('line ends and the depth of the list are kept', () => {
  const dos = 'apiVersion: kubeguard.dev/v1\r\npolicies:\r\n- name: default\r\n  contexts: ["*"]'
  expect(add(dos)).toContain('policies:\r\n# new\r\n- name: oidc\r\n  contexts:\r\n    - dev\r\n')
})

test.each([
  ['a list in one line', 'apiVersion: kubeguard.dev/v1\npolicies: [{name: default, contexts: ["*"]}]\n'],
  ['no list', 'apiVersion: kubeguard.dev/v1\n'],
  ['an empty file', ''],
])('%s is not touched', (_, odd) => {
  expect(() => add(odd)).toThrow(GuardError)
})

test('what the file says of a policy is all that it says', () => {
  expect(rawPolicy(text, 'prod')).toEqual({ name: 'prod', contexts: ['prod-*'] })
  expect(rawPolicy(text, 'oidc')).toBeUndefined()
})
