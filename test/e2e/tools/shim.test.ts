import { existsSync, lstatSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { good, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { Screen } from '../../fixtures/screen.ts'
import { helm, tool } from '../../fixtures/tools.ts'
import { kubeguard } from '../commands/status.ts'

const problems = async (home: TestHome): Promise<unknown[]> => {
  const { stdout } = await home.kubeguard(['doctor', '--json'])
  const { findings } = JSON.parse(stdout) as { findings: { id: string; level: string }[] }
  return findings.filter(({ id, level }) => level === 'problem' && id !== 'swap')
}

test('add, list, remove; init mends a shim and puts back none that was removed; uninstall takes all', async () => {
  await using home = makeHome()
  home.env['SHELL'] = tool('bash')
  await home.startPlayground()
  const before = good(await home.init()).stderr
  expect(before).toMatch(/found other clients: .*helm/)
  expect(before).toMatch(/other clients that ask: helm; more later: kubeguard shim add NAME/)
  const shim = (...args: string[]) => home.kubeguard(['shim', ...args])
  const listed = async () => JSON.parse(good(await shim('list', '--json')).stdout) as unknown
  expect(await listed()).toMatchObject({
    schema: 1,
    shims: [{ tool: 'kubectl' }, { tool: 'helm', program: helm() }],
  })
  expect(good(await shim('add', 'kubetail')).stderr).toMatch(
    /kubetail: asks before it runs \/usr\/bin\/kubetail/,
  )
  expect(good(await shim('list')).stdout).toMatch(/^tool +program\nkubectl .*\nhelm .*\nkubetail .*\n$/)
  expect(await problems(home)).toEqual([])

  // Broken, then mended by init; what was removed stays so.
  good(await shim('remove', 'kubetail'))
  rmSync(join(home.shims, 'helm'))
  symlinkSync('/opt/old/kubeguard/dist/native/kubeguard-native', join(home.shims, 'helm'))
  expect(await problems(home)).toMatchObject([{ id: 'link-broken' }])
  await home.init()
  expect(readlinkSync(join(home.shims, 'helm'))).not.toContain('/opt/old')
  good(await shim('remove', 'helm'))
  await home.init()
  expect(readdirSync(home.shims).toSorted()).toEqual(['kubectl', 'kubeguard'])

  good(await shim('add', 'helm'))
  await home.unlock()
  good(
    await home.kubeguard(['uninstall', '--yes', '--passphrase-fd', '3'], {
      fd3: 'correct horse battery staple',
    }),
  )
  expect(existsSync(home.shims)).toBe(false)
})

test('says what gets no shim and why, does the rest, and ends with the exit code of the first refusal', async () => {
  await using home = makeHome()
  const early = await home.kubeguard(['shim', 'add', 'helm'])
  expect(early).toMatchObject({ code: 64 })
  expect(early.stderr).toBe('kubeguard: kubeguard is not set up for this account\nrun: kubeguard init\n')
  await home.startPlayground()
  await home.init()
  const cases: [string[], number, RegExp][] = [
    [['add', '../helm'], 64, /^kubeguard: \.\.\/helm is no plain file name\ngive the name alone/],
    [['add', '--', '-x'], 64, /-x is no plain file name/],
    [['add', 'a\nb'], 64, /is no plain file name/],
    [['add', ''], 64, /is no plain file name/],
    [['add', 'kubeguard'], 64, /kubeguard is kubeguard itself\nshims are for clients/],
    [['add', 'kubeguard-credential'], 64, /is kubeguard itself/],
    [['add', 'zsh'], 64, /zsh is a shell/],
    [['add', 'sudo'], 64, /sudo runs other programs, and is no client/],
    [['add', 'tmux'], 64, /tmux runs other programs/],
    [['add', 'readlink'], 64, /readlink is needed by kubeguard itself/],
    [
      ['add', 'no-such-tool'],
      127,
      /no no-such-tool is on PATH\ninstall it, then run: kubeguard shim add no-such-tool/,
    ],
    [['remove', 'kubectl'], 64, /kubectl keeps its shim: .*\n.*kubeguard uninstall/],
    [['remove', 'stern'], 64, /stern has no shim\nrun: kubeguard shim list/],
    [['remove', '../x'], 64, /has no shim/],
    [['remove', 'kubeguard'], 64, /kubeguard has no shim/],
  ]
  for (const [args, code, says] of cases) {
    const run = await home.kubeguard(['shim', ...args])
    expect({ args, ...run }).toMatchObject({ args, code, stdout: '' })
    expect(run.stderr).toMatch(says)
  }
  writeFileSync(join(home.shims, 'kubetail'), 'mine\n')
  expect((await home.kubeguard(['shim', 'add', 'kubetail'])).stderr).toMatch(
    /kubetail is there already, and no shim/,
  )
  rmSync(join(home.shims, 'kubetail'))
  const mixed = await home.kubeguard(['shim', 'add', 'bash', 'no-such-tool', 'kubetail', 'kubectl'])
  expect(mixed.code).toBe(64)
  expect(mixed.stderr).toMatch(/kubectl has its shim: it always does/)
  expect(lstatSync(join(home.shims, 'kubetail')).isSymbolicLink()).toBe(true)
  expect(existsSync(join(home.shims, 'bash'))).toBe(false)
})

test('TAB offers tools that are there and have no shim, and for remove those that have one', async () => {
  await using home = makeHome()
  await home.startPlayground()
  await home.init()
  const offered = async (...words: string[]) =>
    good(await home.kubeguard(['complete', '--', ...words]))
      .stdout.split('\n')
      .slice(0, -1)
  expect(await offered('shim', 'remove', '')).toEqual(['helm'])
  const toAdd = await offered('shim', 'add', '')
  expect(toAdd).toContain('kubetail')
  expect(toAdd).not.toContain('helm')
  expect(await offered('shim', 'add', 'kubetail', 'kubet')).toEqual(['kubetail'])
})

test('the wizard asks before it puts shims before other clients, and takes a no', async () => {
  await using home = makeHome()
  home.env['SHELL'] = '/bin/false'
  using screen = new Screen(kubeguard, ['init'], home.env, home.home)
  await screen.asks('write these rules to')
  screen.type('y')
  await screen.asks('new passphrase, for all vaults: ')
  screen.type('correct horse battery staple\r')
  await screen.asks('the same again: ')
  screen.type('correct horse battery staple\r')
  await screen.asks('put a kubectl that asks before it runs into')
  screen.type('y')
  await screen.asks('have these ask before they run, too: helm?')
  screen.type('n')
  await screen.until('the end', ({ exitCode }) => exitCode !== undefined, 60_000)
  expect(screen.exitCode).toBe(0)
  expect(readdirSync(home.shims).toSorted()).toEqual(['kubectl', 'kubeguard'])
})
