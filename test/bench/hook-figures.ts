import { spawnSync } from 'node:child_process'
import { repository, TestTerminal, until } from '../fixtures/terminal.ts'
import { tool } from '../fixtures/tools.ts'
import type { Bench } from './bench-home.ts'
import type { Figure } from './figure.ts'
import { compare } from './measure.ts'

export const hook = `source '${repository}/shell/kubeguard.zsh'`
export const direnv = 'eval "$(direnv hook zsh)"'

/** An interactive zsh that runs `script` and ends. @returns what it printed. */
export function zsh({ home }: Bench, script: string): string {
  const { stdout, status, stderr } = spawnSync(tool('zsh'), ['-f', '-i', '-c', script], {
    cwd: home.home,
    env: home.env,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`zsh failed: ${stderr}`)
  return stdout
}

/** A start with the hook over a start without; beside it the same for direnv's. */
export async function hookStartFigure(bench: Bench): Promise<Figure> {
  const start = (line: string) => (): void => void zsh(bench, `${line}\nexit 0`)
  const ours = await compare(start(hook), start(''), { rounds: 100 })
  const theirs = await compare(start(direnv), start(''), { rounds: 30 })
  return {
    name: 'zsh hook at start',
    value: ours.a - ours.b,
    unit: 'ms more',
    baseline: { name: 'direnv’s hook', value: theirs.a - theirs.b, unit: 'ms more' },
    target: 5,
    better: 'at most',
    rounds: ours.rounds,
  }
}

/** What the functions of a hook cost before each prompt, at a prompt: one shell calls them many times. */
export async function hookPromptFigure(bench: Bench): Promise<Figure> {
  await bench.home.unlock()
  using ours = await shellWith(bench, hook)
  using theirs = await shellWith(bench, direnv)
  const { a, b, rounds } = await compare(
    () => perPrompt(ours, 500),
    () => perPrompt(theirs, 20),
    { rounds: 20, warmUp: 1 },
  )
  return {
    name: 'zsh hook per prompt',
    value: a,
    unit: 'ms',
    baseline: { name: 'direnv’s hook', value: b, unit: 'ms' },
    target: 0.3,
    better: 'at most',
    rounds,
  }
}

export async function shellWith({ home }: Bench, line: string): Promise<TestTerminal> {
  const shell = new TestTerminal(tool('zsh'), ['-f', '-i'], { ...home.env, PS1: 'ready> ' }, home.home)
  await shell.shows('ready> ')
  shell.type(`${line}; zmodload zsh/datetime; PS1='set> '\r`)
  await shell.shows(/set> (?!')/)
  return shell
}

/** @returns ms */
export async function perPrompt(shell: TestTerminal, times: number): Promise<number> {
  const loop = `repeat ${times} { for each in $precmd_functions; do $each; done }`
  const from = shell.output.length
  shell.type(`begin=$EPOCHREALTIME; ${loop}; print took=$(( (EPOCHREALTIME - begin) * 1000 / ${times} ))=\r`)
  const took = /took=([\d.]+)=\s/
  await until('the time it took', () => took.test(shell.output.slice(from)))
  return Number(took.exec(shell.output.slice(from))?.[1])
}
