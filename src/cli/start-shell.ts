import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import { dirs, places } from '../platform/dirs.ts'
import type { Shell } from './shell-hook.ts'

/** How a shell is started: in a terminal, at a log-in (ssh, a console), by a program for one command. */
export const shellModes = ['interactive', 'login', 'non-interactive'] as const
export type ShellMode = (typeof shellModes)[number]

const flags: Readonly<Record<ShellMode, string>> = {
  'interactive': '-ic',
  'login': '-lic',
  'non-interactive': '-c',
}

/** Longest wait for start-up files: some fetch things. */
const patienceMs = 10_000
const lingerMs = 300
const mostOutput = 1024 * 1024

export type PathInShell = { readonly path: readonly string[] } | { readonly failure: string }

/**
 * Starts the shell for real, without a terminal and in a session of its own, lets it read its start-up files and come
 * to a prompt, and asks for its PATH. A new terminal's PATH has no shims yet; a program that is started from a shell
 * has its PATH.
 */
export async function pathInShell(
  shell: Shell,
  mode: ShellMode,
  program: string = shell,
): Promise<PathInShell> {
  const shims = places.shims(dirs())
  const others = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== shims)
  const path = mode === 'non-interactive' ? [shims, ...others] : others
  const atPrompt = mode === 'non-interactive' ? '' : promptOf[shell]
  const answer = await run(program, [flags[mode], `${atPrompt}${question}`], {
    ...process.env,
    PATH: path.join(delimiter),
    // A start-up file that asks or draws is told that it can't.
    TERM: 'dumb',
    KUBEGUARD_PROMPT: 'never',
  })
  if (typeof answer !== 'string') return answer
  const found = answerPattern.exec(answer)?.[1]
  if (found === undefined) return { failure: 'its start-up files end it, or start another in its place' }
  return { path: found.split(delimiter) }
}

const question = `printf '\\nkubeguard-%s:%s\\n' path "$PATH"`
const answerPattern = /^kubeguard-path:(.*)$/m

/**
 * A shell that is given a command writes no history, and draws no prompt: what hooks do there is done by hand, for ours
 * puts the shims first again.
 */
const promptOf: Readonly<Record<Shell, string>> = {
  zsh: 'for each in $precmd_functions; do (( $+functions[$each] )) && $each; done 2>/dev/null; ',
  bash: 'for each in "${PROMPT_COMMAND[@]}"; do eval "$each"; done 2>/dev/null; ',
  fish: 'emit fish_prompt 2>/dev/null; ',
}

/** @returns the folder that zsh's own start-up (~/.zshenv) moves the others to, if it does. */
export async function zdotdir(program: string): Promise<string | undefined> {
  const asked = `print -r -- "kubeguard-path:\${ZDOTDIR-}"`
  const answer = await run(program, ['-c', asked], process.env)
  return (typeof answer === 'string' ? answerPattern.exec(answer)?.[1] : undefined) || undefined
}

function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | { failure: string }> {
  const { promise, resolve } = Promise.withResolvers<string | { failure: string }>()
  // A session of its own: it can't stop us by taking the terminal, and is ended with all that it started.
  const child = spawn(program, [...args], { env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  const finish = (answer: string | { failure: string }): void => {
    clearTimeout(timer)
    endGroup(child.pid)
    child.stdout.destroy()
    resolve(answer)
  }
  const timer = setTimeout(
    () => finish({ failure: `does not come to a prompt within ${patienceMs / 1000} s` }),
    patienceMs,
  )
  child.on('error', () => finish({ failure: 'can’t be started' }))
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-mostOutput)
  })
  child.on('close', () => finish(output))
  // What start-up files leave running may hold its pipes open.
  child.on('exit', () => setTimeout(() => finish(output), lingerMs))
  return promise
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended with all that it started.
  }
}
