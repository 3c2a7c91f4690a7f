import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { Screen } from '../../fixtures/screen.ts'
import { tool } from '../../fixtures/tools.ts'
import { treeOf } from './tree.ts'

/** kubectl's and the shells' own caches, which they write whatever is installed. */
const caches = [
  '.kube/cache',
  '.cache',
  '.local/share/fish',
  '.local/state/fish',
  '.config/fish/fish_variables',
]

const init = (home: TestHome) =>
  home.kubeguard(['init', '--yes', '--passphrase-fd', '3'], { fd3: passphrase, timeoutMs: 60_000 })
const uninstall = (home: TestHome, ...flags: string[]) =>
  home.kubeguard(['uninstall', '--yes', ...flags, '--passphrase-fd', '3'], { fd3: passphrase })

const shells = {
  zsh: { program: 'zsh', args: ['-d', '-i'], file: '.zshrc' },
  bash: { program: 'bash', args: ['-i'], file: '.bashrc' },
  fish: { program: 'fish', args: ['-i'], file: '.config/fish/config.fish' },
} as const

interface Case {
  readonly shell: keyof typeof shells
  readonly rc: string
}

const prompt = {
  zsh: `PROMPT='ready> '\n`,
  bash: `PS1='ready> '\n`,
  fish: `function fish_prompt\n echo -n 'ready> '\nend\nset -g fish_greeting\n`,
}

const busy: Record<string, Case> = {
  'zsh, options and a path of its own at the end': {
    shell: 'zsh',
    rc: 'setopt no_unset err_return 2>/dev/null\nsetopt unset no_err_return\npath=(/opt/x $path)\nreturn 0\necho never\n',
  },
  'bash, a guard for scripts, set -u, no newline at the end': {
    shell: 'bash',
    rc: 'case $- in\n  *i*) ;;\n  *) return ;;\nesac\nset -u\nPATH=/opt/x:$PATH',
  },
  'bash, a conditional return that is always met': {
    shell: 'bash',
    rc: 'if true; then\n  return\nfi\necho never\n',
  },
  'bash, set -e, bytes that are no UTF-8': { shell: 'bash', rc: `export NAME='\xe9\xff'\nset -e\nset +e\n` },
  'bash, CRLF in comments and blank lines': { shell: 'bash', rc: '#\r\nalias k=kubectl #\r\n' },
  'fish, conf and functions': {
    shell: 'fish',
    rc: 'if status is-interactive\n  set -gx PATH /opt/x $PATH\nend\n',
  },
}

describe.each(Object.entries(busy))('%s', (_, { shell, rc }) => {
  test('init, work, uninstall: byte for byte as before', async () => {
    await using home = makeHome()
    const { program, args, file } = shells[shell]
    home.env['SHELL'] = tool(program)
    await home.startPlayground()
    const path = join(home.home, file)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, Buffer.from(prompt[shell] + rc, 'latin1'), { mode: 0o640 })
    // What fish makes by itself: some when it starts, some at its first prompt.
    good(await home.run(tool(program), ['-ic', 'true']))
    for (const name of shell === 'fish' ? ['completions', 'conf.d', 'functions'] : [])
      mkdirSync(join(home.home, '.config', 'fish', name), { recursive: true })
    const before = treeOf(home.home, caches)

    const said = good(await init(home)).stderr
    expect(said).toMatch(new RegExp(`${shell}: a new one finds the shim first`))
    const once = treeOf(home.root, [
      'home/.kube/cache',
      'home/.cache',
      'guard/run',
      'guard/state/log',
      'guard/state/daemon.lock',
      ...caches.map((name) => `home/${name}`),
    ])
    good(await init(home))
    const twice = treeOf(home.root, [
      'home/.kube/cache',
      'home/.cache',
      'guard/run',
      'guard/state/log',
      'guard/state/daemon.lock',
      ...caches.map((name) => `home/${name}`),
    ])
    for (const name of Object.keys(twice).filter((each) => !each.includes('journal.db')))
      expect([name, twice[name]]).toEqual([name, once[name]])

    // A new terminal, as one is opened: without the shims on PATH.
    const environment = { ...home.env, PATH: String(home.env['PATH']).split(':').slice(1).join(':') }
    using screen = new Screen(tool(program), args, environment, home.home)
    await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '), 30_000)
    screen.type(`kubectl get pods; echo code=${shell === 'fish' ? '$status' : '$?'}\r`)
    await screen.until('the question', ({ typed }) => typed.endsWith('passphrase for default: '), 30_000)
    screen.type(`${passphrase}\r`)
    await screen.until('pods', ({ text }) => /Running/.test(text) && /code=0/.test(text), 30_000)
    screen.close()

    const back = good(await uninstall(home))
    expect(back.stdout).toBe('')
    expect(back.stderr).toMatch(/as before, line by line/)
    expect(treeOf(home.home, caches)).toEqual(before)
  })
})

test('symlinked dotfiles stay links, and what they lead to is as before', async () => {
  await using home = makeHome()
  home.env['SHELL'] = tool('bash')
  await home.startPlayground()
  const dotfiles = join(home.home, 'dotfiles')
  mkdirSync(dotfiles)
  writeFileSync(join(dotfiles, 'bashrc'), 'alias k=kubectl\n', { mode: 0o600 })
  writeFileSync(join(dotfiles, 'profile'), '. "$HOME/.bashrc"\n')
  symlinkSync('dotfiles/bashrc', join(home.home, '.bashrc'))
  symlinkSync(join(dotfiles, 'profile'), join(home.home, '.profile'))
  const before = treeOf(home.home, caches)
  good(await init(home))
  const during = treeOf(home.home, caches)
  expect(during['.bashrc']).toBe('link to dotfiles/bashrc')
  expect(during['dotfiles/bashrc']).toMatch(/^600 alias k=kubectl\n\n# kubeguard.*\nsource '.*'\n$/)
  // A log-in reads ~/.bashrc by it.
  expect(during['dotfiles/profile']).toBe(before['dotfiles/profile'])
  good(await uninstall(home))
  expect(treeOf(home.home, caches)).toEqual(before)
})

test('ZDOTDIR that ~/.zshenv alone sets', async () => {
  await using home = makeHome()
  home.env['SHELL'] = tool('zsh')
  await home.startPlayground()
  mkdirSync(join(home.home, '.config', 'zsh'), { recursive: true })
  writeFileSync(join(home.home, '.zshenv'), 'ZDOTDIR=$HOME/.config/zsh\n')
  writeFileSync(join(home.home, '.config', 'zsh', '.zshrc'), 'alias k=kubectl\n')
  const before = treeOf(home.home, caches)
  good(await init(home))
  expect(treeOf(home.home, caches)['.config/zsh/.zshrc']).toContain('kubeguard.zsh')
  expect(treeOf(home.home, caches)['.zshrc']).toBeUndefined()
  good(await uninstall(home))
  expect(treeOf(home.home, caches)).toEqual(before)
})

test('what others changed since is shown as a diff, secrets masked, and let be', async () => {
  await using home = makeHome()
  home.env['SHELL'] = tool('bash')
  await home.startPlayground()
  const rc = join(home.home, '.bashrc')
  writeFileSync(rc, 'alias k=kubectl\nalias ll=ls\n')
  good(await init(home))
  const hooked = readFileSync(rc, 'utf8').replace('alias ll=ls\n', '')
  writeFileSync(rc, `${hooked}export API_TOKEN=not-for-your-eyes\n`)
  chmodSync(rc, 0o600)
  const { stdout, stderr } = good(await uninstall(home))
  expect(stdout).toContain(`${rc}: mode 644 before, 600 now`)
  expect(stdout).toMatch(/^-\(a line that was there before\)$/m)
  expect(stdout).toMatch(/^\+export API_TOKEN=\*\*\*$/m)
  expect(stdout + stderr).not.toContain('not-for-your-eyes')
  expect(readFileSync(rc, 'utf8')).toBe('alias k=kubectl\nexport API_TOKEN=not-for-your-eyes\n')
})
