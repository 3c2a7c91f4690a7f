import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { enter, openShell, shells } from './shells.ts'
import type { Shell } from './shells.ts'

let home: TestHome
beforeAll(async () => {
  home = makeHome()
  await home.startPlayground()
  await home.init()
})
afterAll(() => home.dispose())

/** What a start-up file holds for completion at all, and kubectl's own by its manual. */
const set = {
  zsh: 'autoload -Uz compinit; compinit -u; source <(kubectl completion zsh)',
  bash: 'source /usr/share/bash-completion/bash_completion; source <(kubectl completion bash)',
  fish: 'kubectl completion fish | source',
}

describe.each(shells)('%s', (shell: Shell) => {
  test('completes commands and policies', async () => {
    using screen = await openShell(home, shell, { before: set[shell] })
    screen.type('kubeguard unl\t')
    await screen.until('the command', ({ typed }) => typed.endsWith('kubeguard unlock '))
    screen.type('def\t')
    await screen.until('the policy', ({ typed }) => typed.trimEnd().endsWith('kubeguard unlock default'))
  })

  test('kubectl’s own works while unlocked, and while locked is silent: no question, no error', async () => {
    await home.unlock('--all')
    using screen = await openShell(home, shell, { before: set[shell] })
    // bash lists at the second one.
    screen.type(`kubectl get pods web-\t${shell === 'bash' ? '\t' : ''}`)
    await screen.until('a pod', ({ text }) => /web-0/.test(text))
    screen.type('\u0015')
    await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '))
    await home.lock()
    await enter(screen, 'true')
    const before = screen.lines.length
    screen.type('kubectl get pods web-\t\t')
    await screen.until('the line', ({ typed }) => typed.trimEnd().endsWith('kubectl get pods web-'))
    // A second TAB is answered after the first, and the letter after both.
    screen.type('x')
    await screen.until('the letter', ({ typed }) => typed.endsWith('web-x'))
    expect(screen.lines.slice(before - 1).join('\n')).not.toMatch(/kubeguard:|passphrase|rror|web-0/)
  })
})
