import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { unprivilegedAccounts } from '../fixtures/accounts.ts'
import { makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'
import { Screen } from '../fixtures/screen.ts'
import { tool } from '../fixtures/tools.ts'
import { enter, hookOf, openShell, shells, startUp, watchersOf } from './shells.ts'
import type { Shell, ShellOptions } from './shells.ts'

const locked =
  /kubeguard: default is locked since \d\d:\d\d \(locked by you\); to go on: kubeguard unlock default/

let home: TestHome
beforeAll(async () => {
  home = makeHome()
  await home.startPlayground()
  await home.init()
})
afterAll(() => home.dispose())

/** Types half a line, locks, types the other half; then the shims must be first, and the segment right. */
async function passes(screen: Screen, shell: Shell): Promise<void> {
  await enter(screen, 'true')
  screen.type('echo one')
  await screen.until('what was typed', ({ typed }) => typed.endsWith('echo one'))
  await home.lock()
  if (shell !== 'bash') await screen.until('the notice', ({ text }) => locked.test(text))
  screen.type('two\r')
  await screen.until('what was echoed', ({ lines }) => lines.includes('onetwo'))
  await screen.until('the notice', ({ text }) => locked.test(text))
  await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '))
  await enter(screen, shell === 'fish' ? 'echo $PATH[1]' : 'echo "${PATH%%:*}"')
  expect(screen.lines).toContain(home.shims)
  expect(screen.text.match(/is locked/g)).toHaveLength(1)
}

const cases: readonly [string, Shell, ShellOptions][] = [
  [
    'zsh-autosuggestions and zsh-syntax-highlighting',
    'zsh',
    {
      after:
        'source /usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh\nsource /usr/share/zsh-syntax-highlighting/zsh-syntax-highlighting.zsh',
    },
  ],
  // What oh-my-zsh and prezto set before a start-up file goes on, and what a user adds.
  [
    'options that change the language',
    'zsh',
    {
      before: 'setopt auto_cd extended_glob glob_dots interactive_comments no_case_glob auto_pushd',
      after:
        'setopt ksh_arrays sh_word_split no_unset warn_create_global pipe_fail nomatch null_glob csh_null_glob',
    },
  ],
  [
    'aliases for what the hook is written in',
    'zsh',
    {
      before:
        "alias local='echo no' read='echo no' print='echo no' unset='echo no' sched='echo no' zle='echo no'",
    },
  ],
  [
    'hooks and traps of others',
    'zsh',
    {
      before: "autoload -Uz add-zsh-hook; other() { : }; add-zsh-hook precmd other; trap 'echo bye' EXIT",
      after: 'bindkey -v; TRAPURG() { echo urgent }; precmd_functions+=(other)',
    },
  ],
  // powerlevel10k's instant prompt: from the top of .zshrc until the first precmd, 1 and 2 are a file.
  [
    'instant prompt',
    'zsh',
    {
      before: 'exec {own_out}>&1 {own_err}>&2 1>$HOME/instant 2>&1 </dev/null',
      after:
        'leave() { exec 1>&$own_out 2>&$own_err <$TTY; cat $HOME/instant; precmd_functions=(${precmd_functions:#leave}) }; precmd_functions=(leave $precmd_functions)',
    },
  ],
  [
    // As oh-my-zsh does: its prompt is completed by a descriptor of its own, and typing goes through widgets.
    'a prompt that is drawn again by a descriptor, and widgets that take each key',
    'zsh',
    {
      before: 'autoload -Uz compinit url-quote-magic bracketed-paste-magic; compinit -u',
      after: `ask() { exec {own_fd}< <(print answer); zle -F $own_fd answered }
        answered() { read -r -u $1 own_answer; zle -F $1; exec {own_fd}<&-; zle reset-prompt }
        precmd_functions+=(ask)
        zle -N self-insert url-quote-magic; zle -N bracketed-paste bracketed-paste-magic`,
    },
  ],
  [
    // As prezto's editor module does.
    'widgets that draw the prompt again with each line and key map',
    'zsh',
    {
      before: 'setopt combining_chars local_options; zmodload zsh/terminfo',
      after: `redraw() { zle reset-prompt; zle -R }
        zle -N zle-line-init redraw; zle -N zle-keymap-select redraw; zle -N zle-line-finish redraw
        bindkey -v; own_prompt() { setopt local_options; print -n }; precmd_functions=(own_prompt $precmd_functions)`,
    },
  ],
  ['direnv', 'zsh', { after: 'eval "$(direnv hook zsh)"' }],
  ['direnv', 'bash', { after: 'eval "$(direnv hook bash)"' }],
  ['direnv', 'fish', { after: 'direnv hook fish | source' }],
  [
    'PROMPT_COMMAND as one text',
    'bash',
    { before: "PROMPT_COMMAND='history -a;'", after: 'PROMPT_COMMAND="$PROMPT_COMMAND; true"' },
  ],
  [
    'PROMPT_COMMAND as a list',
    'bash',
    { before: "PROMPT_COMMAND=('history -a' true)", after: 'PROMPT_COMMAND+=(true)' },
  ],
  [
    // As the integrations of VS Code and of starship before 5.1 do: theirs runs what was there.
    'PROMPT_COMMAND taken over',
    'bash',
    { after: 'theirs=$PROMPT_COMMAND; take() { eval "$theirs"; }; PROMPT_COMMAND=take' },
  ],
  [
    'options that change the language',
    'bash',
    { before: "shopt -s nullglob nocasematch extglob dotglob; IFS=:; set -o pipefail; trap 'true' DEBUG" },
  ],
  ['vi keys', 'fish', { after: 'fish_vi_key_bindings; function fish_mode_prompt; end' }],
]

/** VS Code starts shells with files of its own, which read the user's and then take prompt and commands in. */
const editor: Record<Shell, (folder: string) => ShellOptions> = {
  zsh: (folder) => ({
    env: { ZDOTDIR: folder, USER_ZDOTDIR: join(folder, '..'), TERM_PROGRAM: 'vscode' },
  }),
  bash: () => ({
    after: `theirs=("\${PROMPT_COMMAND[@]}")
      take() { local status=$? each; for each in "\${theirs[@]}"; do (exit $status); eval "$each"; done; printf '\\e]633;D\\a'; }
      note() { [[ $BASH_COMMAND == take ]] || printf '\\e]633;C\\a'; }
      PROMPT_COMMAND=take; PS1="\\[\\e]633;A\\a\\]$PS1\\[\\e]633;B\\a\\]"; trap note DEBUG`,
    env: { TERM_PROGRAM: 'vscode' },
  }),
  fish: () => ({
    after: `functions --copy fish_prompt own_prompt
      function fish_prompt; printf '\\e]633;A\\a'; own_prompt; printf '\\e]633;B\\a'; end
      function own_executed --on-event fish_preexec; printf '\\e]633;C\\a'; end
      function own_finished --on-event fish_postexec; printf '\\e]633;D;%s\\a' $status; end`,
    env: { TERM_PROGRAM: 'vscode' },
  }),
}
const editorRc = `ZDOTDIR=$USER_ZDOTDIR
. $USER_ZDOTDIR/.zshrc
precmd_functions+=(own_precmd) preexec_functions+=(own_preexec)
own_precmd() { print -n '\\e]633;D\\a'; [[ $PS1 == *633* ]] || PS1="%{$(print '\\e]633;A\\a')%}$PS1%{$(print '\\e]633;B\\a')%}" }
own_preexec() { print -n '\\e]633;C\\a' }
`

test.each(shells)('works in VS Code’s terminal (%s)', async (shell) => {
  await home.unlock('default')
  const folder = join(home.home, 'editor')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, '.zshrc'), editorRc)
  using screen = await openShell(home, shell, editor[shell](folder))
  await passes(screen, shell)
})

test('works in zsh -f, sourced by hand', async () => {
  await home.unlock('default')
  using screen = new Screen(tool('zsh'), ['-f', '-i'], { ...home.env, PROMPT: 'ready> ' }, home.home)
  screen.type("PROMPT='ready> '\r")
  await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '))
  await enter(screen, hookOf('zsh'))
  await passes(screen, 'zsh')
})

describe('works beside', () => {
  test.each(cases)('%s (%s)', async (_name, shell, options) => {
    await home.unlock('default')
    using screen = await openShell(home, shell, options)
    await passes(screen, shell)
  })
})

test.each(['tmux', 'screen'])('works inside %s', async (multiplexer) => {
  await home.unlock('default')
  const start = startUp(home, 'zsh').join(' ')
  const socket = join(home.root, 'mux')
  mkdirSync(socket, { recursive: true, mode: 0o700 })
  writeFileSync(join(home.home, '.screenrc'), 'startup_message off\n')
  const args =
    multiplexer === 'tmux'
      ? ['-u', '-S', join(socket, 's'), '-f', '/dev/null', 'new-session', start]
      : ['-U', '-S', 'kg', ...start.split(' ')]
  const env = { ...home.env, SCREENDIR: socket, SHELL: '/bin/sh' }
  using screen = new Screen(tool(multiplexer), args, env, home.home)
  await screen.until('a prompt', ({ typed }) => typed.endsWith('ready> '), 30_000)
  screen.type('echo one')
  await screen.until('what was typed', ({ typed }) => typed.endsWith('echo one'))
  await home.lock()
  await screen.until('the notice', ({ text }) => locked.test(text))
  screen.type('two\r')
  await screen.until('what was echoed', ({ lines }) => lines.includes('onetwo'))
  screen.type('exit\r')
  await screen.ended()
})

test.each(shells)('under sudo -E %s leaves alone what is another account’s', async (shell) => {
  // The environment of somebody else, his start-up file and KUBEGUARD_HOME among it. Without root there is nobody else.
  const { own } = unprivilegedAccounts()
  await using theirs = makeHome(own === undefined ? {} : { account: own })
  writeFileSync(theirs.kubeconfig, 'current-context: x\n', { mode: 0o644 })
  await theirs.init()
  await theirs.unlock('default')
  using screen = await openShell(theirs, shell)
  await enter(screen, 'true')
  await theirs.lock()
  await enter(screen, 'true')
  const isTheirs = own === undefined
  expect(screen.text.includes('🔓 default')).toBe(isTheirs)
  expect(/is locked/.test(screen.text)).toBe(isTheirs)
  expect(watchersOf(screen.pty.pid).length).toBe(isTheirs && shell !== 'zsh' ? 1 : 0)
})
