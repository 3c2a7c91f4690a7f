import { expect, test } from 'vitest'
import { whyNoShim } from '../../../src/domain/tool-name.ts'

test.each([
  'helm',
  'k9s',
  'stern',
  'kubectl',
  'kubectl-argo',
  'kubectx',
  'helm3',
  'terraform',
  'a.out',
  '_x',
])('%s may have a shim', (name) => {
  expect(whyNoShim(name)).toBeUndefined()
})

test.each<[string, RegExp]>([
  ['', /no plain file name/],
  ['.', /no plain file name/],
  ['..', /no plain file name/],
  ['.hidden', /no plain file name/],
  ['-flag', /no plain file name/],
  ['a/b', /no plain file name/],
  ['a b', /no plain file name/],
  ['a\u0000b', /no plain file name/],
  ['ä', /no plain file name/],
  ['x'.repeat(65), /no plain file name/],
  ['kubeguard', /kubeguard itself/],
  ['kubeguard-watch', /kubeguard itself/],
  ['bash', /is a shell/],
  ['zsh-5.9', /is a shell/],
  ['env', /runs other programs/],
  ['sudo', /runs other programs/],
  ['tmux', /runs other programs/],
  ['tini', /runs other programs/],
  ['readlink', /needed by kubeguard/],
  ['node', /needed by kubeguard/],
])('%j may not', (name, why) => {
  expect(whyNoShim(name)?.message).toMatch(why)
})
