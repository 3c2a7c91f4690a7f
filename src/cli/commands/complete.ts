import { execFile } from 'node:child_process'
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { clean } from '../clean-text.ts'
import { command } from '../command.ts'
import { complete } from '../completion.ts'
import type { Candidate, LookUp } from '../completion.ts'
import { runCommand } from '../failure.ts'
import { print } from '../output.ts'
import { shimmedTools } from '../shims.ts'
import { readStatus } from '../unlock-session.ts'

/** A TAB key must not wait longer. */
const patienceMs = 2_000

/** What the completions in `shell/` call for each TAB: one candidate a line, then a tab and what it means. */
export function completeCommand(program: () => CommandUnknownOpts) {
  return command('complete', 'print what a command line may go on with', 'kubeguard complete -- unlock ""')
    .argument('[words...]', 'what is typed after kubeguard')
    .action((words) => runCommand(() => printCandidates(program(), words)))
}

async function printCandidates(program: CommandUnknownOpts, words: readonly string[]): Promise<void> {
  // Nothing that goes wrong may show at a TAB key.
  const found = await complete(program, words, lookUp).catch(() => [])
  for (const { word, about } of found) {
    const [first = ''] = clean(about).split(/[;:.] /)
    if (clean(word) === word && !/\s/.test(word)) print(first === '' ? word : `${word}\t${first}`)
  }
}

const lookUp: LookUp = async (argument) => {
  switch (argument) {
    case 'policy':
    case 'session':
      return policies()
    case 'context':
      return contexts()
    case 'id':
      return ids()
    case 'tool':
      return (await import('../survey.ts')).toolsToOffer('all').map((word) => ({ word, about: '' }))
    case 'shim':
      return shimmedTools().map((word) => ({ word, about: '' }))
    default:
      return []
  }
}

async function policies(): Promise<Candidate[]> {
  const { sessions } = await readStatus({ start: false })
  return sessions.map(({ policy, state }) => ({ word: policy, about: state }))
}

async function ids(): Promise<Candidate[]> {
  const { sessions } = await readStatus({ start: false })
  return sessions.flatMap(({ policy, live }) =>
    live.map(({ pid, program, context }) => ({
      word: String(pid),
      about: `${policy}, ${program}, ${context}`,
    })),
  )
}

/** kubectl finds its files by itself, and this asks no server. */
function contexts(): Promise<Candidate[]> {
  return new Promise((resolve) => {
    execFile(
      'kubectl',
      ['config', 'get-contexts', '-o', 'name'],
      { timeout: patienceMs },
      (_error, stdout) => {
        const names = stdout.split('\n').filter((name) => name !== '')
        resolve(names.map((word) => ({ word, about: '' })))
      },
    )
  })
}
