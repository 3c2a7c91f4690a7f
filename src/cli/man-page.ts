import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { exitCodes } from '../domain/exit-codes.ts'
import { examplesOf } from './command.ts'
import { environmentVariables, filePlaces } from './manual.ts'

/** kubeguard(1), as roff with the macros of man(7): from the commands themselves, as `--help` is. */
export function manPage(program: CommandUnknownOpts): string {
  const name = program.name()
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${program.version() ?? ''}" "User Commands"`,
    '.SH NAME',
    `${name} \\- ${text(program.description())}`,
    '.SH SYNOPSIS',
    `.B ${name}`,
    '.I command',
    '[\\fIoptions\\fR] [\\fIarguments\\fR]',
    '.SH DESCRIPTION',
    text(
      'While you work, kubectl is as it is without kubeguard. Once you have been idle for longer than the policy of a cluster',
    ),
    text(
      'allows, have reached the end of its lifetime, or leave, its session locks: credentials are gone from memory, streams',
    ),
    text(
      'are ended, and the next command asks who you are. The pages below docs/ tell the rest: cli.md, policy.md, errors.md,',
    ),
    text('security.md.'),
    '.SH OPTIONS',
    ...optionsOf(program),
    '.SH COMMANDS',
    ...commandsBelow(program).flatMap((command) => commandSection(name, command)),
    '.SH EXIT STATUS',
    text('Whenever kubectl, another client or a held job ran, the code is its own. Of kubeguard itself:'),
    ...list(Object.entries(exitCodes).map(([code, words]) => [code, words.join('; ')])),
    '.SH ENVIRONMENT',
    ...list(Object.entries(environmentVariables)),
    '.SH FILES',
    ...list(Object.entries(filePlaces)),
    '.SH SEE ALSO',
    '.BR kubectl (1),',
    '.BR age (1),',
    '.BR systemd (1)',
    '',
  ].join('\n')
}

/** Commands that do something, each under its whole name, in the order of `--help`. */
function commandsBelow(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => command.commands.includes(each))
}

function commandSection(before: string, command: CommandUnknownOpts): string[] {
  const name = `${before} ${command.name()}`
  const below = commandsBelow(command)
  const help = command.createHelp()
  const usage = help.visibleArguments(command).map((argument) => help.argumentTerm(argument))
  const takes = command.registeredArguments.map((argument) => {
    const shown = `${argument.name()}${argument.variadic ? ' …' : ''}`
    return argument.required ? `<${shown}>` : `[${shown}]`
  })
  return [
    `.SS "${text([name, ...takes].join(' '))}"`,
    text(command.description()),
    ...(usage.length === 0
      ? []
      : list(command.registeredArguments.map((one) => [one.name(), one.description]))),
    ...optionsOf(command),
    ...(below.length > 0 ? [] : exampleLines(command)),
    ...below.flatMap((each) => commandSection(name, each)),
  ]
}

/** Without `--help`, which each has. */
function optionsOf(command: CommandUnknownOpts): string[] {
  const help = command.createHelp()
  const options = help.visibleOptions(command).filter((option) => option.long !== '--help')
  return list(options.map((option) => [help.optionTerm(option), help.optionDescription(option)]))
}

function exampleLines(command: CommandUnknownOpts): string[] {
  const examples = examplesOf(command)
  return examples.length === 0 ? [] : ['.PP', '.EX', ...examples.map((line) => `$ ${text(line)}`), '.EE']
}

const list = (entries: readonly (readonly [string, string])[]): string[] =>
  entries.flatMap(([term, about]) => ['.TP', `.B ${text(term)}`, text(about)])

const special: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  '’': '\\(cq',
  '“': '\\(lq',
  '”': '\\(rq',
  '"': '\\(dq',
  '`': '',
  '…': '\\&...',
}

/** Text of one line: nothing in it is a macro, or beyond ASCII (groff_char(7)). */
function text(words: string): string {
  const line = words.replaceAll(/[\\\-’“”"`…]|[^\x20-\x7e]/gu, (mark) => special[mark] ?? codePoint(mark))
  return /^[.']/.test(line) ? `\\&${line}` : line
}

const codePoint = (mark: string): string =>
  `\\[u${(mark.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`
