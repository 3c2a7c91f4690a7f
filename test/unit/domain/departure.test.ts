import { expect, it } from 'vitest'
import { validatePolicies } from '../../../src/domain/validate-policies.ts'

const read = (lockOn: unknown) =>
  validatePolicies(
    { apiVersion: 'kubeguard.dev/v1', policies: [{ name: 'default', lockOn }] },
    'config.yaml',
    () => ({ line: 1, column: 1 }),
  )

it.each([
  [undefined, ['suspend', 'screen-lock', 'logout']],
  [[], []],
  [
    ['disconnect', 'suspend', 'suspend'],
    ['suspend', 'disconnect'],
  ],
])('lockOn: %j is %j', (said, means) => {
  expect(read(said).policies?.[0]?.lockOn).toEqual(means)
})

it.each([[null], ['suspend'], [['sleep']], [[['suspend']]], [{ suspend: true }]])(
  'refuses lockOn: %j, and says what may stand there',
  (said) => {
    const { policies, problems } = read(said)
    expect(policies).toBeUndefined()
    expect(problems).toMatchObject([
      { cure: 'write some of: lockOn: [suspend, screen-lock, logout, disconnect]' },
    ])
  },
)
