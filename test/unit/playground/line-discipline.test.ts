import { describe, expect, test } from 'vitest'
import { LineDiscipline } from '../../../src/playground/builtin-shell/line-discipline.ts'

function typed(
  keys: string,
  mode: 'line' | 'raw' = 'line',
): { lines: string[]; echoed: string; events: string[] } {
  const result = { lines: [] as string[], echoed: '', events: [] as string[] }
  const discipline = new LineDiscipline({
    echo: (bytes) => (result.echoed += bytes.toString('latin1')),
    deliver: (bytes) => result.lines.push(bytes.toString()),
    end: () => result.events.push('end'),
    interrupt: () => result.events.push('interrupt'),
  })
  discipline.setMode(mode)
  discipline.type(Buffer.from(keys))
  return { ...result, echoed: Buffer.from(result.echoed, 'latin1').toString() }
}

describe('the terminal of an exec', () => {
  test('delivers whole lines and echoes them', () => {
    expect(typed('ls\recho ü\rrest')).toEqual({
      lines: ['ls\n', 'echo ü\n'],
      echoed: 'ls\r\necho ü\r\nrest',
      events: [],
    })
  })

  test('edits with backspace and Ctrl-U', () => {
    expect(typed('ax\x7fb\r').lines).toEqual(['ab\n'])
    expect(typed('aü\x7fb\r').lines).toEqual(['ab\n'])
    expect(typed('\x7f\x7fgone\x15kept\r').lines).toEqual(['kept\n'])
  })

  test('Ctrl-C drops the line, Ctrl-D ends an empty one and sends another', () => {
    expect(typed('half\x03ls\r')).toMatchObject({ lines: ['ls\n'], events: ['interrupt'] })
    expect(typed('\x04')).toMatchObject({ lines: [], events: ['end'] })
    expect(typed('part\x04')).toMatchObject({ lines: ['part'], events: [] })
  })

  test('raw: every key as it comes, no echo', () => {
    expect(typed('q\x03\r', 'raw')).toEqual({ lines: ['q\x03\r'], echoed: '', events: [] })
  })

  test('a line is bounded', () => {
    expect(typed(`${'a'.repeat(10_000)}\r`).lines[0]).toHaveLength(4097)
  })
})
