import { describe, expect, it } from 'vitest'
import { findHolder } from '../../../src/domain/holder.ts'
import type { Ancestor } from '../../../src/domain/holder.ts'

/** `zsh!` is an interactive shell; `name/1` has that pid. */
function line(text: string): Ancestor[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((word, index) => {
      const [program = '', pid] = word.replace('!', '').split('/')
      return {
        pid: pid === undefined ? 100 - index : Number(pid),
        startTicks: 1,
        program: program.replaceAll('_', ' '),
        hasTerminal: true,
        interactiveShell: word.includes('!'),
      }
    })
}

describe('the holder of a credential', () => {
  it.each([
    ['kubeguard-credential kubectl zsh!', 'kubectl'],
    ['kubeguard-credential helm zsh! tmux:_server init/1', 'helm'],
    ['kubeguard-credential python3 bash!', 'python3'],
    ['kubeguard-credential sh python3 bash!', 'python3'],
    ['kubeguard-credential sh java idea', 'java'],
    ['kubeguard-credential env timeout k9s zsh!', 'k9s'],
    ['kubeguard-credential dash bash strace terraform fish!', 'terraform'],
    ['kubeguard-credential busybox stern ash!', 'stern'],
    ['kubeguard-credential code code zsh!', 'code'],
    ['kubeguard-credential kubectl sh/1', 'kubectl'],
    ['kubeguard-credential kubectl systemd', 'kubectl'],
    ['node zsh-5.9 kubectl', 'kubectl'],
  ])('%s: %s', (ancestry, program) => {
    const verdict = findHolder(line(ancestry))
    expect(verdict).toMatchObject({ holder: { program } })
    // The nearest: whatever stands above makes no difference.
    const at = line(ancestry).findIndex((one) => one.program === program)
    expect(findHolder(line(ancestry).slice(0, at + 1))).toEqual(verdict)
  })

  it.each([
    ['', 'gone'],
    ['x/0', 'other-pid-namespace'],
    ['kubeguard-credential x/0', 'other-pid-namespace'],
    ['kubeguard-credential init/1', 'orphaned'],
    ['kubeguard-credential k9s/1', 'orphaned'],
    ['kubeguard-credential sh init/1', 'orphaned'],
    ['kubeguard-credential systemd init/1', 'orphaned'],
    ['kubeguard-credential tini', 'orphaned'],
    ['kubeguard-credential containerd-shim-runc-v2', 'orphaned'],
    ['kubeguard-credential zsh!', 'no-client'],
    ['kubeguard-credential zsh! code code', 'no-client'],
    ['kubeguard-credential sh zsh! gnome-terminal-server', 'no-client'],
    ['kubeguard-credential bash tmux:_server', 'no-client'],
    ['kubeguard-credential sh sshd', 'no-client'],
    ['kubeguard-credential env bash! sshd', 'no-client'],
    ['kubeguard-credential sh', 'no-client'],
    ['kubeguard-credential', 'no-client'],
  ])('%s: refused, %s', (ancestry, refused) => {
    expect(findHolder(line(ancestry))).toEqual({ refused })
  })
})
