import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from '@commander-js/extra-typings'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'
import { errorCatalogue } from '../../../src/domain/errors.ts'
import { blocksOf, pages, readPage } from '../../fixtures/pages.ts'
import { commandsOf, enteredIn, isShell } from '../../fixtures/shell-lines.ts'
import { repository } from '../../fixtures/terminal.ts'

const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>
}

/** @returns what the command line itself says against these words; undefined where it takes them */
function refusalOf(words: readonly string[]): string | undefined {
  const program = createProgram()
  // What stands there is never done, whatever it is.
  for (const each of program.commands) idle(each)
  program.configureOutput({ writeOut: () => {}, writeErr: () => {} })
  try {
    program.parse(words, { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return ['commander.helpDisplayed', 'commander.version'].includes(error.code) ? undefined : error.message
  }
}

function idle(command: CommandUnknownOpts): void {
  command.action(() => {}).configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
  for (const each of command.commands) idle(each)
}

/** @returns what is wrong with a command of a page, as far as it is one of ours */
function mistakeIn(words: readonly string[]): string | undefined {
  const [program = '', ...args] = words[0] === 'npx' || words[0] === 'sudo' ? words.slice(1) : words
  if (/^(?:.*\/bin\/|bin\/)?kubeguard$/.test(program)) return refusalOf(args)
  if (program !== 'npm') return undefined
  const script = ['test', 'start'].includes(args[0] ?? '') ? args[0] : args[0] === 'run' && args[1]
  if (typeof script !== 'string' || script in scripts) return undefined
  return `package.json has no script ${script}`
}

const mistakesIn = (line: string): string[] =>
  commandsOf(line).flatMap((words) => {
    const mistake = mistakeIn(words)
    return mistake === undefined ? [] : [`${words.join(' ')}: ${mistake}`]
  })

const entered = pages().flatMap((page) => blocksOf(page).filter(isShell).flatMap(enteredIn))

test('what is entered in the pages is found', () => {
  const commands = entered.flatMap(({ line }) => commandsOf(line))
  expect(commands.filter(([program]) => program === 'kubeguard').length).toBeGreaterThan(10)
  expect(commands.filter(([program]) => program === 'npm').length).toBeGreaterThan(8)
})

test.each(entered)('$place: $line', ({ line }) => {
  expect(mistakesIn(line)).toEqual([])
})

/** What stands within a text: `kubeguard lock`. What `[`, `|`, `…` or capitals leave open is no command yet. */
const inline = pages().flatMap((page) =>
  [
    ...readPage(page)
      .replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
      .matchAll(/`(kubeguard [a-z][^`\n]*)`/g),
  ]
    .map(([, line = '']) => line)
    .filter((line) => !/[[|…]/.test(line))
    .map((line) => ({ page, line: line.replaceAll('DURATION', '30m') })),
)

test.each(inline)('$page: $line', ({ line }) => {
  // A command that is merely named has no arguments.
  const isNamed = line.split(' ').length === 2
  expect(mistakesIn(line).filter((mistake) => !isNamed || !mistake.includes('missing required'))).toEqual([])
})

describe('cures', () => {
  const cures = Object.entries(errorCatalogue).flatMap(([code, { cure }]) =>
    [
      ...cure.matchAll(/(?<=^|run: |prints: |this prints: |or else: |once: |, |\()kubeguard [a-z][^,;)]*/g),
    ].map(([line]) => ({ code, line })),
  )

  const ofMessages = [...readPage('docs/errors.md').matchAll(/^\| .* \| `([a-z-]+)` \| ([^…\n]+) \|$/gm)]
  const more = ofMessages.flatMap(([, code = '', cure = '']) =>
    [...cure.matchAll(/(?<=run: |then: )kubeguard [a-z][^,;)]*/g)].map(([line]) => ({ code, line })),
  )

  test.each([...cures, ...more])('$code: $line', ({ line }) => {
    const said = line.replace(/ (?:again|and fetch .*)$/, '')
    expect(mistakesIn(said)).toEqual([])
  })
})

test('a command that there is not, an option that it has not, and a script that is none are told', () => {
  expect(mistakeIn(['kubeguard', 'unlok'])).toContain('unknown command')
  expect(mistakeIn(['kubeguard', 'unlock', '--fro', '30m'])).toContain('unknown option')
  expect(mistakeIn(['kubeguard', 'unlock', '--for', 'soon'])).toContain('--for')
  expect(mistakeIn(['npm', 'run', 'bnech'])).toContain('bnech')
  expect(commandsOf(`A=1 x "a b" 'c|d' 2>&1 >out | kubeguard lock && npm test # and so on`)).toEqual([
    ['x', 'a b', 'c|d'],
    ['kubeguard', 'lock'],
    ['npm', 'test'],
  ])
})
