import { expect, test } from 'vitest'
import { makeHome, passphrase } from '../fixtures/home.ts'
import { writePolicy } from '../fixtures/policy.ts'
import type { Screen } from '../fixtures/screen.ts'
import { enter, openShell, shells } from './shells.ts'

const setToken = { zsh: 'export TOKEN=here', bash: 'export TOKEN=here', fish: 'set -gx TOKEN here' }
const lastLine = (screen: Screen): string => screen.lines.at(-1)?.trimEnd() ?? ''
const said = 'default is locked since'

test.each(shells)(
  '%s: what is open at one terminal shows there alone, and so does its lock',
  async (shell) => {
    await using home = makeHome()
    writePolicy(home, { idle: '10m', env: 'TOKEN', more: '    scope: terminal\n' })
    await home.startPlayground()
    await home.init()
    using here = await openShell(home, shell)
    using there = await openShell(home, shell)
    here.type('kubeguard unlock default\r')
    await here.until('the question', ({ text }) => text.includes('passphrase for default'), 30_000)
    here.type(`${passphrase}\r`)
    await here.until('a prompt', ({ typed }) => typed.endsWith('ready> '), 30_000)
    for (const screen of [here, there]) await enter(screen, setToken[shell])
    await enter(here, 'true')
    // zsh and fish may hear of it after this prompt.
    await here.until('the open segment', () => lastLine(here).includes('🔓 default'))
    expect(lastLine(there)).toContain('🔒 default')

    await home.lock()
    await enter(here, 'true')
    await here.until('why', ({ text }) => text.includes(said))
    await enter(there, 'true')
    for (const [screen, token] of [
      [here, ''],
      [there, 'here'],
    ] as const)
      expect(await enter(screen, 'echo "token=$TOKEN."')).toContain(`token=${token}.`)
    await here.until('the locked segment', () => lastLine(here).includes('🔒 default'))
    expect(there.text).not.toContain(said)
  },
  120_000,
)
