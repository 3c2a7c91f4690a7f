import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestHome } from '../fixtures/home.ts'
import { Screen } from '../fixtures/screen.ts'
import { repository } from '../fixtures/terminal.ts'

export const shells = ['zsh', 'bash', 'fish'] as const
export type Shell = (typeof shells)[number]

export const hookOf = (shell: Shell): string => `source '${repository}/shell/kubeguard.${shell}'`

/** What makes `ready> ` the prompt, the segment before it. */
const promptOf = {
  zsh: `setopt prompt_subst\nPROMPT='\${KUBEGUARD_PROMPT}ready> '`,
  bash: `PS1='\${KUBEGUARD_PROMPT}ready> '`,
  fish: `function fish_prompt\n echo -n "$KUBEGUARD_PROMPT"'ready> '\nend\nset -g fish_greeting\nset -g fish_autosuggestion_enabled 0`,
}

export interface ShellOptions {
  /** Lines of the start-up file before and after the hook. */
  readonly before?: string
  readonly after?: string
  readonly env?: NodeJS.ProcessEnv
  readonly hook?: string
  /** Put before the shell: `strace -f …`. */
  readonly under?: readonly string[]
}

/** A start-up file of a person who has the hook. @returns how the shell is started so that it reads it. */
export function startUp(home: TestHome, shell: Shell, options: ShellOptions = {}): string[] {
  const { before = '', after = '', hook = hookOf(shell) } = options
  const text = [before, promptOf[shell], hook, after, ''].join('\n')
  const file = { zsh: '.zshrc', bash: '.bashrc', fish: '.config/fish/config.fish' }[shell]
  mkdirSync(join(home.home, '.config', 'fish'), { recursive: true })
  writeFileSync(join(home.home, file), text)
  return { zsh: ['zsh', '-d', '-i'], bash: ['bash', '-i'], fish: ['fish', '-i'] }[shell]
}

/** A person's interactive shell with the hook, at its first prompt. */
export async function openShell(home: TestHome, shell: Shell, options: ShellOptions = {}): Promise<Screen> {
  const [file = '', ...args] = [...(options.under ?? []), ...startUp(home, shell, options)]
  const screen = new Screen(file, args, { ...home.env, ...options.env }, home.home)
  await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '), 30_000)
  return screen
}

/** Types a command and Enter. @returns when the next prompt is there. */
export async function enter(screen: Screen, line: string, withinMs = 30_000): Promise<string> {
  const before = screen.lines.length
  screen.type(`${line}\r`)
  await screen.until(
    `a prompt after ${line}`,
    ({ typed, lines }) => typed.endsWith('ready> ') && lines.length > before,
    withinMs,
  )
  return screen.lines.slice(before).join('\n')
}

/** The native processes that bash and fish have beside them. */
export function watchersOf(shell: number): number[] {
  return readdirSync('/proc')
    .filter((pid) => isWatcherOf(pid, shell))
    .map(Number)
}

function isWatcherOf(pid: string, shell: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
    return (words[0] ?? '').endsWith('kubeguard-watch') && words[1] === String(shell)
  } catch {
    return false
  }
}
