import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hookStateOf, hookText, withHook, withoutHook } from '../../../src/cli/hook-block.ts'

const line = "source '/opt/kubeguard/shell/kubeguard.bash'"
const block = `# kubeguard: kubectl with a time limit\n${line}\n`

test('any text is the same again, byte for byte, at the end and at the top', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('', 'return', 'set -e', 'exec fish', 'alias k=kubectl\r', 'x=1'), {
        maxLength: 8,
      })
      .map((lines) => lines.join('\n')),
  )
  fc.assert(
    fc.property(texts, fc.constantFrom('end' as const, 'top' as const), (text, where) => {
      const hooked = withHook(text, line, where)
      expect(withoutHook(hooked)).toBe(text)
      expect(hookStateOf(hooked, line)).toBe('present')
      expect(withHook(hooked, line, where)).toBe(hooked)
    }),
  )
})

test.each([
  ['nothing', '', block],
  ['an end of the last line', 'alias k=kubectl\n', `alias k=kubectl\n\n${block}`],
  ['no end of the last line', 'alias k=kubectl', `alias k=kubectl\n${block}`],
  ['CRLF', 'alias k=kubectl\r\n', `alias k=kubectl\r\n\n${block}`],
  ['a return that is always met', 'a=1\nreturn\nb=2\n', `a=1\n\n${block}return\nb=2\n`],
  ['another shell in its place', 'exec fish\n', `${block}exec fish\n`],
  ['a guard for scripts', '[[ $- != *i* ]] && return\na=1\n', `[[ $- != *i* ]] && return\na=1\n\n${block}`],
  ['descriptors that are moved', 'exec 3>&1\n', `exec 3>&1\n\n${block}`],
])('a file with %s', (_, text, hooked) => expect(withHook(text, line)).toBe(hooked))

describe('what somebody did to the file since', () => {
  test('lines behind ours stay apart from those before', () => {
    expect(withoutHook(`${withHook('a=1', line)}b=2\n`)).toBe('a=1\nb=2\n')
  })

  test('a line of another installation is replaced, one that is there twice is there once', () => {
    const old = withHook('a=1\n', "source '/old/shell/kubeguard.bash'")
    expect(hookStateOf(old, line)).toBe('other')
    expect(withHook(old, line)).toBe(`a=1\n\n${block}`)
    expect(hookStateOf(`${block}${block}`, line)).toBe('other')
    expect(withHook(`${block}${block}`, line)).toBe(block)
  })

  test('a mark without its line, and a line in other line ends, are ours as well', () => {
    expect(withoutHook('a=1\n\n# kubeguard: kubectl with a time limit\nb=2\n')).toBe('a=1\nb=2\n')
    expect(withoutHook(`a=1\r\n${block.replaceAll('\n', '\r\n')}`)).toBe('a=1\r')
  })

  test('a guarded line, for ~/.profile, is found', () => {
    const guarded = `[ -z "\${BASH_VERSION-}" ] || . '/opt/kubeguard/shell/kubeguard.bash'`
    expect(hookStateOf(withHook('umask 022\n', guarded), guarded)).toBe('present')
    expect(withoutHook(withHook('umask 022\n', guarded))).toBe('umask 022\n')
    expect(hookText('umask 022\n')).toBe('')
  })
})
