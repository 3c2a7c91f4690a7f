import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { expect, test } from 'vitest'
import { manPage } from '../../../src/cli/man-page.ts'
import { environmentVariables, filePlaces } from '../../../src/cli/manual.ts'
import { createProgram } from '../../../src/cli/program.ts'
import { exitCodes } from '../../../src/domain/exit-codes.ts'
import { repository } from '../../fixtures/terminal.ts'

const program = createProgram()
const roff = manPage(program)
const read = (file: string): string => readFileSync(join(repository, file), 'utf8')

/** As a reader of groff_char(7) would have it. */
const plain = roff
  .replaceAll('\\-', '-')
  .replaceAll(/\\\((\w\w)/g, (_all, name) => ({ cq: '’', lq: '“', rq: '”', dq: '"' })[String(name)] ?? '?')
  .replaceAll('\\&...', '…')

function all(command: CommandUnknownOpts, before = ''): { name: string; command: CommandUnknownOpts }[] {
  const name = `${before}${command.name()}`
  return [{ name, command }, ...command.commands.flatMap((each) => all(each, `${name} `))]
}

test.each(all(program).slice(1))(
  '$name is there, with its options, arguments and what they are for',
  ({ name, command }) => {
    const section =
      plain.split('.SS "').find((text) => new RegExp(`^${name}(?: [<[].*)?"\\n`).test(text)) ?? ''
    expect(section).toContain(command.description())
    for (const { flags, description, hidden } of command.options)
      if (!hidden && !flags.includes('--help'))
        expect(section).toContain(`.B ${flags}\n${description.replaceAll('`', '')}`)
    for (const argument of command.registeredArguments) expect(section).toContain(argument.description)
  },
)

test('exit codes, environment and files are there, and the pages have the same', () => {
  for (const code of Object.keys(exitCodes)) expect(plain).toContain(`.B ${code}\n`)
  for (const name of [...Object.keys(environmentVariables), ...Object.keys(filePlaces)])
    expect(plain).toContain(`.B ${name}\n`)
  const table = read('docs/cli.md').split('\n## Environment\n')[1]?.split('\n## ')[0] ?? ''
  const listed = table.split('\n').flatMap((line) => {
    const [, names = '', about = ''] = /^\| (`.*`) \| (.+) \|$/.exec(line) ?? []
    return [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, about])
  })
  expect(listed).toEqual(Object.entries(environmentVariables))
  for (const place of Object.keys(filePlaces)) expect(read('docs/architecture.md')).toContain(`\`${place}\``)
})

test('it is plain roff: ASCII, the macros of man(7), each escape a known one', () => {
  expect(roff).toMatch(/^[\n\x20-\x7e]+$/)
  for (const line of roff.split('\n')) {
    expect(line).not.toMatch(/^'/)
    if (line.startsWith('.')) expect(line).toMatch(/^\.(?:TH|SH|SS|TP|B|I|BR|PP|EX|EE)(?: |$)/)
    expect(line.replaceAll(/\\(?:-|e|&|\(\w\w|\[u[0-9A-F]{4,6}\]|f[IR])/g, '')).not.toContain('\\')
  }
})

test('the one that is shipped is this one, and the package names it', () => {
  expect(read('dist/man/kubeguard.1')).toBe(roff)
  expect((JSON.parse(read('package.json')) as { man: string }).man).toBe('./dist/man/kubeguard.1')
})

test('kubeguard --help has the exit codes, too', () => {
  let help = ''
  program.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
  for (const [code, [means]] of Object.entries(exitCodes)) expect(help).toContain(`${code}  ${means}\n`)
})
