import { Option } from '@commander-js/extra-typings'
import { GuardError } from '../../domain/errors.ts'
import { promptSegment } from '../../domain/prompt-segment.ts'
import type { Urgency } from '../../domain/prompt-segment.ts'
import type { SessionStatus } from '../../protocol/reports.ts'
import { command } from '../command.ts'
import { runCommand } from '../failure.ts'
import { mayColour } from '../output.ts'
import { readStatus } from '../unlock-session.ts'

const colours: Readonly<Record<Urgency, { ansi: number; zsh: string; tmux: string }>> = {
  locked: { ansi: 90, zsh: '8', tmux: 'brightblack' },
  open: { ansi: 32, zsh: 'green', tmux: 'green' },
  soon: { ansi: 33, zsh: 'yellow', tmux: 'yellow' },
  now: { ansi: 31, zsh: 'red', tmux: 'red' },
}

const styles = ['ansi', 'plain', 'zsh', 'bash', 'tmux'] as const
type Style = (typeof styles)[number]

export function promptCommand() {
  return command('prompt', 'print the prompt segment of the current context', 'kubeguard prompt --style tmux')
    .addOption(new Option('--style <style>', 'whose colours (default: of a terminal)').choices(styles))
    .action(({ style }) => runCommand(() => prompt(style ?? (mayColour(process.stdout) ? 'ansi' : 'plain'))))
}

/** Never starts a daemon: where none runs everything is locked, and there is nothing to show. */
async function prompt(style: Style): Promise<void> {
  const report = await readStatus({ start: false }).catch(nothingRuns)
  const session = report?.sessions.find(({ policy }) => policy === report.currentPolicy)
  if (session === undefined) return
  const { text, urgency } = promptSegment(session.policy, leftMs(session), { emoji: isUtf8() })
  process.stdout.write(inColour(text, urgency, style))
}

function nothingRuns(error: unknown): undefined {
  if (error instanceof GuardError && error.code === 'daemon-unreachable') return
  throw error
}

function leftMs({ state, idleLeftMs, lifetimeLeftMs }: SessionStatus): number | undefined {
  if (state !== 'unlocked') return undefined
  return Math.min(idleLeftMs ?? Infinity, lifetimeLeftMs ?? Infinity)
}

function inColour(text: string, urgency: Urgency, style: Style): string {
  const { ansi, zsh, tmux } = colours[urgency]
  switch (style) {
    case 'plain':
      return text
    case 'ansi':
      return `\u001b[${ansi}m${text}\u001b[0m`
    case 'bash':
      // What readline takes to have no width stands between \001 and \002.
      return `\u0001\u001b[${ansi}m\u0002${text}\u0001\u001b[0m\u0002`
    case 'zsh':
      return `%F{${zsh}}${text}%f`
    case 'tmux':
      return `#[fg=${tmux}]${text}#[default]`
  }
}

/** setlocale(3): the first of these that is set and not empty decides. */
function isUtf8(environment: NodeJS.ProcessEnv = process.env): boolean {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || ''
  return /utf-?8/i.test(locale)
}
