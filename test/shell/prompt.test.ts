import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { Screen } from '../fixtures/screen.ts'
import { repository } from '../fixtures/terminal.ts'
import { starship, tool } from '../fixtures/tools.ts'
import { enter, openShell, shells } from './shells.ts'
import type { Shell } from './shells.ts'

const page = readFileSync(join(repository, 'docs', 'prompt.md'), 'utf8')

/** What a reader of docs/prompt.md copies. */
function snippet(name: string): string {
  const found = new RegExp(`<!-- snippet ${name} -->\\s+\`\`\`\\w+\\n([^]*?)\`\`\``).exec(page)?.[1]
  if (found === undefined) throw new Error(`docs/prompt.md has no snippet ${name}`)
  return found
}

let home: TestHome
beforeAll(async () => {
  home = makeHome()
  await home.startPlayground()
  await home.init()
})
afterAll(() => home.dispose())

/** The line of the prompt, first locked and then unlocked. */
async function bothStates(screen: Screen): Promise<[string, string]> {
  const now = (): string => screen.lines.at(-1)?.trimEnd() ?? ''
  const first = now()
  await home.unlock('default')
  await enter(screen, 'true')
  // zsh and fish may hear of it after this prompt.
  await screen.until('the open segment', () => now().includes('🔓'))
  return [first, now()]
}

describe.each(shells)('%s', (shell: Shell) => {
  const plain = {
    zsh: "PROMPT='ready> '",
    bash: "PS1='ready> '",
    fish: "function fish_prompt; echo 'ready> '; end",
  }

  test('the snippet of the page', async () => {
    await home.lock()
    const after = [shell === 'fish' ? '' : plain[shell], snippet(shell)].join('\n')
    using screen = await openShell(home, shell, { after })
    const [locked, open] = await bothStates(screen)
    expect(locked).toMatch(/🔒 (default|prod)/)
    expect(open).toMatch(/🔓 default 1[45]m/)
  })

  test('starship shows it, and never what was', async () => {
    await home.lock()
    const config = join(home.home, 'starship.toml')
    const format = 'add_newline = false\nformat = "${env_var.KUBEGUARD_PROMPT_PLAIN}ready> "\n'
    writeFileSync(config, format + snippet('starship'))
    const start = {
      zsh: `${snippet('starship-shell')}eval "$(${starship()} init zsh)"`,
      bash: `${snippet('starship-shell')}eval "$(${starship()} init bash)"`,
      fish: `set -gx KUBEGUARD_PROMPT_PLAIN ''\n${starship()} init fish | source`,
    }
    using screen = await openShell(home, shell, { after: start[shell], env: { STARSHIP_CONFIG: config } })
    const [locked, open] = await bothStates(screen)
    expect(locked).toContain('🔒 default ready>')
    expect(open).toMatch(/🔓 default 1[45]m ready>/)
  })
})

test('oh-my-zsh: the right prompt', async () => {
  await home.lock()
  using screen = await openShell(home, 'zsh', { after: `PROMPT='ready> '\n${snippet('oh-my-zsh')}` })
  const [locked, open] = await bothStates(screen)
  expect(locked).toMatch(/^ready> .*🔒 default$/)
  expect(open).toMatch(/^ready> .*🔓 default 1[45]m$/)
})

/** powerlevel10k is in no package registry: what its segment API does with -c, -t and -e, by its own page. */
test('powerlevel10k: one part of the segment for each state', async () => {
  await home.lock()
  const api = `p10k() {
    local OPTARG OPTIND colour condition text flag
    shift
    while getopts s:f:c:t:e flag; do
      case $flag in f) colour=$OPTARG;; c) condition=$OPTARG;; t) text=$OPTARG;; esac
    done
    [[ -z \${(e)condition} ]] || PROMPT+="%F{$colour}\${(e)text}%f<$colour>"
  }`
  const build = `build() { PROMPT=; prompt_kubeguard; PROMPT+='ready> ' }; precmd_functions+=(build)`
  using screen = await openShell(home, 'zsh', { after: [api, snippet('powerlevel10k'), build].join('\n') })
  const [locked, open] = await bothStates(screen)
  expect(locked).toBe('🔒 default<8>ready>')
  expect(open).toMatch(/^🔓 default 1[45]m<green>ready>$/)
})

test('tmux: the status line', async () => {
  await home.lock()
  const config = join(home.home, 'tmux.conf')
  writeFileSync(config, `${snippet('tmux')}set -g status-interval 1\n`)
  const socket = join(home.root, 'tmux')
  using screen = new Screen(
    tool('tmux'),
    ['-u', '-S', socket, '-f', config, 'new-session', 'sleep 60'],
    { ...home.env, SHELL: '/bin/sh' },
    home.home,
  )
  try {
    await screen.until('the locked segment', ({ text }) => text.includes('🔒 default'), 30_000)
    await home.unlock('default')
    await screen.until('the open segment', ({ text }) => /🔓 default 1[45]m/.test(text), 30_000)
  } finally {
    await home.run(tool('tmux'), ['-S', socket, 'kill-server'])
  }
})

test('kubeguard prompt: in every style, and nothing where no daemon runs', async () => {
  await home.unlock('default')
  const prompt = async (...args: string[]): Promise<string> =>
    (await home.kubeguard(['prompt', ...args])).stdout
  expect(await prompt()).toMatch(/^🔓 default 1[45]m$/)
  expect(await prompt('--style', 'tmux')).toMatch(/^#\[fg=green\]🔓 default 1[45]m#\[default\]$/)
  expect(await prompt('--style', 'zsh')).toMatch(/^%F\{green\}🔓 default 1[45]m%f$/)
  expect(await prompt('--style', 'ansi')).toContain('[32m🔓 default')
  const plain = await home.kubeguard(['prompt'], { env: { LANG: 'C' } })
  expect(plain.stdout).toMatch(/^open default 1[45]m$/)
  const none = join(home.root, 'none')
  mkdirSync(dirname(none), { recursive: true })
  const without = await home.kubeguard(['prompt'], { env: { KUBEGUARD_HOME: none } })
  expect(without).toEqual({ code: 0, stdout: '', stderr: '' })
})
