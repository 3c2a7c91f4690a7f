import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

  test('completes tools: such that are there for `shim add`, such that have a shim for `shim remove`', async () => {
    using screen = await openShell(home, shell, { before: set[shell] })
    screen.type('kubeguard shim add kubet\t')
    await screen.until('a tool', ({ typed }) => typed.trimEnd().endsWith('kubeguard shim add kubetail'))
    screen.type('\u0015')
    await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '))
    screen.type('kubeguard shim remove h\t')
    await screen.until('a shim', ({ typed }) => typed.trimEnd().endsWith('kubeguard shim remove helm'))
  })

  test('completes contexts with colons and at signs, and files', async () => {
    const names = ['arn:aws:eks:eu-1:42:cluster/shop', 'admin@kube']
    const contexts = names.map((name) => `- { name: "${name}", context: { cluster: c, user: u } }`).join('\n')
    const path = join(home.home, 'other.yaml')
    writeFileSync(path, `apiVersion: v1\nkind: Config\ncontexts:\n${contexts}\n`)
    using screen = await openShell(home, shell, { before: set[shell], env: { KUBECONFIG: path } })
    for (const [typed, whole] of [
      ['policy explain ar', 'policy explain arn:aws:eks:eu-1:42:cluster/shop'],
      ['policy explain arn:aws:e', 'policy explain arn:aws:eks:eu-1:42:cluster/shop'],
      ['policy explain admin@', 'policy explain admin@kube'],
      ['adopt --kubeconfig oth', 'adopt --kubeconfig other.yaml'],
    ] as const) {
      screen.type(`kubeguard ${typed}\t`)
      // zsh and fish may quote what they take for signs of theirs.
      await screen.until(whole, (now) =>
        now.typed.replaceAll('\\', '').trimEnd().endsWith(`kubeguard ${whole}`),
      )
      screen.type('\u0015')
      await screen.until('a prompt', (now) => now.typed.endsWith('ready> '))
    }
  })

  test.each([
    ['kubectl', 'kubectl get pods web-', /web-0/],
    ['helm', 'helm status -n shop sh', /status -n shop shop/],
  ])(
    '%s’s own works while unlocked, and while locked is silent: no question, no error',
    async (tool, line, found) => {
      await home.unlock('--all')
      using screen = await openShell(home, shell, { before: set[shell].replaceAll('kubectl', tool) })
      // bash lists at the second one.
      screen.type(`${line}\t${shell === 'bash' ? '\t' : ''}`)
      await screen.until('what there is', ({ text }) => found.test(text))
      screen.type('\u0015')
      await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '))
      await home.lock()
      await enter(screen, 'true')
      const before = screen.lines.length
      screen.type(`${line}\t\t`)
      await screen.until('the line', ({ typed }) => typed.trimEnd().endsWith(line))
      // A second TAB is answered after the first, and the letter after both.
      screen.type('x')
      await screen.until('the letter', ({ typed }) => typed.endsWith(`${line}x`))
      const after = screen.lines.slice(before - 1).join('\n')
      expect(after).not.toMatch(/kubeguard:|passphrase|rror/)
      expect(after).not.toMatch(found)
    },
  )
})
