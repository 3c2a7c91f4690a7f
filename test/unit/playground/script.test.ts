import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { expand, parseScript, ScriptError } from '../../../src/playground/builtin-shell/script.ts'

const variables: Record<string, string> = { 'HOSTNAME': 'web-0', '?': '3' }
const valueOf = (name: string): string => variables[name] ?? ''
const argvs = (script: string): string[][] =>
  parseScript(script).map(({ words }) => words.map((word) => expand(word, valueOf)))

describe('the built-in shell’s language', () => {
  test('parts words and keeps quoted ones whole', () => {
    expect(argvs(`echo one  'two  three' "four five" six\\ seven a'b'"c"`)).toEqual([
      ['echo', 'one', 'two  three', 'four five', 'six seven', 'abc'],
    ])
  })

  test('resolves variables, but not inside single quotes', () => {
    expect(argvs(`echo $HOSTNAME "\${HOSTNAME}!" '$HOSTNAME' $? $NONE.`)).toEqual([
      ['echo', 'web-0', 'web-0!', '$HOSTNAME', '3', '.'],
    ])
  })

  test('says when a command runs, and where its output goes', () => {
    const shape = parseScript('a; b && c || d >&2\n\n# nothing\n e # more').map(
      ({ toError, runsAfter, words }) => [expand(words[0]!, valueOf), runsAfter, toError],
    )
    expect(shape).toEqual([
      ['a', 'any', false],
      ['b', 'any', false],
      ['c', 'success', false],
      ['d', 'failure', true],
      ['e', 'any', false],
    ])
  })

  test.each(['a | b', 'a > file', 'a; ; b', '&& a', '(a)', 'echo `a`', `echo 'open`, 'a &'])(
    'refuses %j',
    (script) => {
      expect(() => parseScript(script)).toThrow(ScriptError)
    },
  )

  test('anything in single quotes is one word', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes("'"))
        expect(argvs(`echo '${text}'`)).toEqual([['echo', text]])
      }),
    )
  })

  test('no text does more than be refused', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', ' ', "'", '"', '\\', ';', '&&', '||', '|', '$', '{', '\n', '>&2', '#')),
        (parts) => {
          try {
            expect(Array.isArray(parseScript(parts.join('')))).toBe(true)
          } catch (error) {
            expect(error).toBeInstanceOf(ScriptError)
          }
        },
      ),
    )
  })
})
