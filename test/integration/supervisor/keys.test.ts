import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository } from '../../fixtures/terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'kg-keys-'))
const probe = join(folder, 'probe')
const reset = Buffer.from([255])

beforeAll(() => {
  const native = ['keys.c', 'escape.c'].map((name) => `native/supervisor/${name}`)
  const sources = ['test/integration/supervisor/keys-probe.c', ...native]
  const flags = [
    '-std=c17',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
  ]
  const built = spawnSync('cc', [...flags, '-o', probe, ...sources], { cwd: repository, encoding: 'utf8' })
  if (built.status !== 0) throw new Error(built.stderr)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Of each run of reads, and of each of these: what the probe says. */
function said(runs: readonly (readonly Buffer[])[]): string[][] {
  const blocks = runs.flatMap((reads) => [
    reset,
    ...reads.flatMap((read) => [Buffer.from([read.length]), read]),
  ])
  const run = spawnSync(probe, { input: Buffer.concat(blocks), encoding: 'utf8' })
  if (run.status !== 0) throw new Error(run.stderr)
  let at = 0
  return runs.map((reads) => reads.map(() => run.stdout.slice(at, (at += 2))))
}

/** Of each run of reads: whether any of it was typed. */
const typed = (runs: readonly (readonly Buffer[])[]): boolean[] =>
  said(runs).map((reads) => reads.some((read) => read.startsWith('y')))

const whole = (text: string): Buffer[] => [Buffer.from(text, 'latin1')]
const inBytes = (text: string): Buffer[] =>
  [...Buffer.from(text, 'latin1')].map((byte) => Buffer.from([byte]))
const utf8 = (text: string): string => Buffer.from(text).toString('latin1')

/** What terminals send by themselves: ctlseqs of xterm, and the pages of kitty, iTerm2 and VTE. */
const answers: Readonly<Record<string, string>> = {
  'the cursor’s place': '\x1b[12;40R',
  'the cursor’s place with the page': '\x1b[?12;40;1R',
  'primary attributes': '\x1b[?62;22c',
  'secondary attributes': '\x1b[>41;354;0c',
  'tertiary attributes': '\x1bP!|00000000\x1b\\',
  'status': '\x1b[0n',
  'printer status': '\x1b[?13n',
  'mode report': '\x1b[?2026;2$y',
  'ANSI mode report': '\x1b[4;2$y',
  'setting report': '\x1bP1$r0m\x1b\\',
  'termcap': '\x1bP1+r544e=787465726d\x1b\\',
  'version': '\x1bP>|XTerm(354)\x1b\\',
  'window size': '\x1b[8;30;100t',
  'title, as ESC ] l': '\x1b]lbash\x1b\\',
  'title with a quotation mark, whose last byte is that of ST': utf8('\x1b]l“typed”\x1b\\'),
  'title with all that ends in the byte of ST': utf8('\x1b]lܜx䀜x😜x\x07'),
  'title with ST in UTF-8': utf8('\x1b]lx\x9ctyped\x1b\\'),
  'colours of an area': '\x1b[0;1;38:5:7m',
  'colour': '\x1b]11;rgb:0000/0000/0000\x07',
  'colour with ST': '\x1b]4;1;rgb:cdcd/0000/0000\x1b\\',
  'clipboard': '\x1b]52;c;bHM=\x07',
  'parameters': '\x1b[2;1;1;128;128;1;0x',
  'keyboard flags': '\x1b[?1u',
  'graphics': '\x1b_Gi=31;OK\x1b\\',
  'sixel attributes': '\x1b[?1;0;256S',
  'checksum': '\x1bP1!~ABCD\x1b\\',
  'focus in': '\x1b[I',
  'focus out': '\x1b[O',
  'motion, SGR': '\x1b[<35;10;20M',
  'motion with a button': '\x1b[<32;10;20M',
  'release, SGR': '\x1b[<0;10;20m',
  'motion, X10': '\x1b[MC+5',
  'release, X10': '\x1b[M#+5',
  'motion, X10, with bytes that look like keys': '\x1b[MCab',
  'motion, urxvt': '\x1b[67;10;20M',
  'colour scheme': '\x1b[?997;1n',
  'size in band': '\x1b[48;30;100;600;1000t',
  'VT52 identity': '\x1b/Z',
  'eight bits: cursor': '\x9b12;40R',
  'eight bits in UTF-8: cursor': utf8('\x9b12;40R'),
  'eight bits: string': '\x90>|VT\x9c',
  'eight bits in UTF-8: string': utf8('\x90>|VT\x9c'),
  'two at once': '\x1b[1;1R\x1b[?62;22c',
}

const keys: Readonly<Record<string, string>> = {
  'a letter': 'a',
  'a letter of two bytes': utf8('é'),
  'a letter of three bytes, the second like a control': utf8('‛'),
  'a picture': utf8('😀'),
  'Enter': '\r',
  'Ctrl-C': '\x03',
  'Alt-b': '\x1bb',
  'Escape twice': '\x1b\x1b',
  'up': '\x1b[A',
  'up, application': '\x1bOA',
  'F1': '\x1bOP',
  'F5': '\x1b[15~',
  'F4 with Shift': '\x1b[1;2S',
  'Delete': '\x1b[3~',
  'a key by kitty’s protocol': '\x1b[97;5u',
  'a paste': '\x1b[200~x\x1b[201~',
  'a click, SGR': '\x1b[<0;10;20M',
  'the wheel': '\x1b[<64;10;20M',
  'a click, X10': '\x1b[M +5',
  'a click, urxvt': '\x1b[32;10;20M',
  'a letter after an answer': '\x1b[12;40Ra',
  'a letter before one': 'a\x1b[12;40R',
  'a letter after a string of eight bits': '\x9dlbash\x9ca',
  'Enter after a string of eight bits in UTF-8': utf8('\x9dl“bash”\x9c\r'),
  'up after a string of eight bits in UTF-8': utf8('\x9dlbash\x9c\x1b[A'),
  'Ctrl-C in a string that never ends': '\x1b]11;rgb:\x03',
  'Enter in a string that never ends': '\x1bP\r',
}

describe.each([
  ['whole', whole],
  ['byte by byte', inBytes],
] as const)('%s', (_, split) => {
  test('what a terminal answers is no key', () => {
    const names = Object.keys(answers)
    const said = typed(Object.values(answers).map(split))
    expect(names.filter((__, index) => said[index])).toEqual([])
  })

  test('keys, pastes and buttons are', () => {
    const names = Object.keys(keys)
    const said = typed(Object.values(keys).map(split))
    expect(names.filter((__, index) => !said[index])).toEqual([])
  })
})

test('nothing breaks it: any bytes, in any pieces', () => {
  const pieces = Array.from({ length: 4_000 }, (_, index) =>
    Buffer.from(Array.from({ length: index % 7 }, (__, at) => (index * 31 + at * 97 + (index >> 3)) & 0xff)),
  )
  expect(typed([pieces])).toEqual([true])
})

/** What becomes of reads, one after the other. */
const escapes: Readonly<Record<string, readonly [reads: readonly string[], becomes: string]>> = {
  'lock, at the very start': [['~', 'l'], 'kl'],
  'time, after Enter': [['x', '\r', '~', 't'], 'ppkt'],
  'help': [['\r', '~', '?'], 'pkh'],
  'both keys at once, from a slow line': [['\r', '~l'], 'pl'],
  'one after the other': [['~', '?', '~', 't'], 'khkt'],
  'the key itself': [['~', '~', 'l'], 'kip'],
  'the key itself, at once': [['~~'], 'i'],
  'the key twice is the first of a line': [['~', '~', '~'], 'kip'],
  'another key': [['~', '/', 'b'], 'krp'],
  'a line that was begun': [['x', '~', 'l'], 'ppp'],
  'behind another key of no command': [['~', 'x', '~'], 'krp'],
  'a word that begins so': [['~/bin/x\r'], 'p'],
  'a line at once': [['~l\r', '~t\n'], 'pp'],
  'what comes with Enter': [['\r~', 'l'], 'pp'],
  'more than a key behind it': [['~', 'l\r'], 'kr'],
  'a letter of two bytes behind it': [['~', utf8('é')], 'kr'],
  'an arrow behind it': [['~', '\x1b[A'], 'kr'],
  'an answer of the terminal meanwhile': [['\r', '\x1b[12;40R', '~', '\x1b[1;1R', 'l'], 'ppkpl'],
  'an answer that ends in the key': [['\x1b[3', '~', 'l'], 'ppp'],
  'an answer in plain text': [['\r', '\x1bP1+r', '~', 'l', '\x1b\\'], 'ppppp'],
  'a paste': [['\x1b[200~~', 'l', '\x1b[201~'], 'ppp'],
  'a paste in pieces': [['\x1b[200~', '\r', '~', 'l', '~?', '\x1b[201~', '\r', '~', 'l'], 'pppppppkl'],
  'a title that is a paste’s beginning': [['\x1b]l\x1b[200~\x07', '~'], 'pp'],
  'a character in pieces': [['\xe2', '~'], 'pp'],
  'a click': [['\x1b[<0;1;1M', '~', 'l'], 'ppp'],
  'motion': [['\r', '\x1b[<35;1;1M', '~', 'l'], 'ppkl'],
  'nothing at all': [['~', '', 'l'], 'kpl'],
}

test('an escape is what a hand has typed at the start of a line, and nothing else', () => {
  const found = said(Object.values(escapes).map(([reads]) => reads.flatMap(whole)))
  const becomes = found.map((reads) => reads.map((read) => read.at(1)).join(''))
  const names = Object.keys(escapes)
  expect(Object.fromEntries(names.map((name, at) => [name, becomes[at]]))).toEqual(
    Object.fromEntries(Object.entries(escapes).map(([name, [, wanted]]) => [name, wanted])),
  )
})
