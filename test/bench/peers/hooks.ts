import type { Bench } from '../bench-home.ts'
import { direnv, hook, perPrompt, shellWith, zsh } from '../hook-figures.ts'
import { compete } from './contest.ts'
import type { Contest } from './contest.ts'

export async function hookStartContest(bench: Bench): Promise<Contest> {
  const start = (line: string) => (): number => {
    const startedAt = performance.now()
    zsh(bench, `${line}\nexit 0`)
    return performance.now() - startedAt
  }
  return {
    title: 'the start of an interactive zsh',
    unit: 'ms',
    about: 'From start to end, without anybody’s start-up files but the line of the hook.',
    peers: await compete(
      [
        { name: 'no hook', once: start('') },
        { name: 'kubeguard’s hook', isOurs: true, once: start(hook) },
        { name: 'direnv’s hook', once: start(direnv) },
      ],
      { rounds: 60 },
    ),
  }
}

export async function hookPromptContest(bench: Bench): Promise<Contest> {
  await bench.home.unlock('--all')
  using ours = await shellWith(bench, hook)
  using theirs = await shellWith(bench, direnv)
  return {
    title: 'a hook before a prompt of zsh',
    unit: 'ms',
    about: 'What its functions take before each prompt; direnv’s where there is no `.envrc`.',
    peers: await compete(
      [
        { name: 'kubeguard’s hook', isOurs: true, once: () => perPrompt(ours, 200) },
        { name: 'direnv’s hook', once: () => perPrompt(theirs, 10) },
      ],
      { rounds: 20 },
    ),
  }
}
