import { dirs, places } from '../../platform/dirs.ts'
import { whyNotWritable } from '../replace-file.ts'
import { shellsInUse } from '../set-up-shell.ts'
import type { ShellInUse } from '../set-up-shell.ts'
import { hookState } from '../shell-hook.ts'
import type { StartUpFile } from '../shell-hook.ts'
import { pathInShell, shellModes } from '../start-shell.ts'
import type { PathInShell, ShellMode } from '../start-shell.ts'
import { foundBeforeShims } from '../survey.ts'
import { note, problem } from './finding.ts'
import type { Finding } from './finding.ts'

/** What each shell of this person's really finds as kubectl and the tools that have a shim, however it is started. */
export async function shellFindings(): Promise<Finding[]> {
  const inUse = await shellsInUse()
  const found = await Promise.all(inUse.map(findingsOf))
  return found.flat()
}

async function findingsOf(inUse: ShellInUse): Promise<Finding[]> {
  const { shell, program, files } = inUse
  const missing = files.filter((file) => hookState(file) !== 'present').map(hookMissing)
  if (program === undefined) return missing
  const found: Finding[] = []
  for (const mode of shellModes) {
    const answer = await pathInShell(shell, mode, program)
    found.push(...modeFindings(inUse, mode, answer, missing.length > 0))
  }
  return [...missing, ...found]
}

function hookMissing(file: StartUpFile): Finding {
  const wrong = hookState(file) === 'other' ? 'has the line of another installation' : 'lacks the hook'
  const cure =
    whyNotWritable(file.path) === undefined ? 'run: kubeguard init' : `put this line into it: ${file.line}`
  return problem('hook-missing', `${file.path} ${wrong}`, cure)
}

function modeFindings(
  { shell, files }: ShellInUse,
  mode: ShellMode,
  answer: PathInShell,
  hookIsMissing: boolean,
): Finding[] {
  const what = { 'interactive': 'a new', 'login': 'a log-in', 'non-interactive': 'a non-interactive' }[mode]
  if ('failure' in answer) {
    return [
      note(
        'shell-fails',
        `${what} ${shell} can’t be asked for its PATH: ${answer.failure}`,
        `look at its start-up files: ${files.map(({ path }) => path).join(', ')}`,
      ),
    ]
  }
  const shims = places.shims(dirs())
  const before = foundBeforeShims(answer.path)
  if (before.length === 0) return []
  const found = before.join(', ')
  const message = answer.path.includes(shims)
    ? `${what} ${shell} finds ${found} before the shim`
    : `${what} ${shell} has no shims on PATH, and finds ${found}`
  // A script gets its credentials from the same sessions: what it starts is only not told in our own words.
  if (mode === 'non-interactive')
    return [
      note(
        'shim-not-first',
        message,
        'let what it reads (zshenv, BASH_ENV) keep the folders of PATH in order',
      ),
    ]
  const cure = hookIsMissing
    ? 'run: kubeguard init'
    : `let nothing after the line of kubeguard put other folders first: ${files.map(({ path }) => path).join(', ')}`
  return [problem('shim-not-first', message, cure)]
}
