import { expect, test } from 'vitest'
import { givesPass } from '../../../src/usecases/gives-pass.ts'

test.each([
  [true, 'gateway', 'token'],
  [true, 'gateway', 'client-certificate'],
  [false, 'gateway', 'exec-plugin'],
  [false, 'gateway', undefined],
  [false, 'plugin', 'token'],
] as const)('%s: access %s, a credential that is a %s', (expected, access, kind) => {
  expect(givesPass({ vaults: { kind: () => kind } }, { access, policy: 'default' }, 'default.a')).toBe(
    expected,
  )
})
