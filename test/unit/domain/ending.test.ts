import { describe, expect, it } from 'vitest'
import { fateOf, isInteractiveShell, mayEnd } from '../../../src/domain/ending.ts'
import type { EndingFacts } from '../../../src/domain/ending.ts'

const facts = (program: string, change: Partial<EndingFacts> = {}): EndingFacts => ({
  pid: 50,
  session: 40,
  ttyDevice: 34816,
  program,
  ...change,
})
const leader = { session: 50 }

describe('a lock', () => {
  it.each<[string, EndingFacts]>([
    ['kubectl', facts('kubectl')],
    ['a session leader: setsid kubectl port-forward', facts('kubectl', { ...leader, ttyDevice: 0 })],
    ['a session leader: tmux new-window k9s', facts('k9s', leader)],
    ['a plugin that is a script', facts('bash', { args: ['/usr/bin/kubectl-foo', '-i'] })],
    ['a script that leads a session', facts('bash', { ...leader, args: ['script.sh'] })],
    ['sh -c', facts('sh', { ...leader, args: ['-c', 'kubectl get pods -w'] })],
    ['a login shell with a command', facts('bash', { ...leader, args: ['-lc', 'k9s'] })],
    ['a shell without a terminal', facts('bash', { ttyDevice: 0, args: [] })],
    ['a shell of which nothing is known, that leads nothing', facts('bash')],
    ['helm', facts('helm')],
    ['python3', facts('python3.12')],
  ])('may end %s', (_name, process) => {
    expect(mayEnd(process)).toBe(true)
  })

  it.each<[string, EndingFacts]>([
    ['a log-in shell', facts('zsh', { ...leader, args: [] })],
    ['a log-in shell with options', facts('bash', { ...leader, args: ['-l'] })],
    ['a shell within a shell', facts('bash', { args: [] })],
    ['a shell with its own rc file', facts('bash', { args: ['--rcfile', '/tmp/x', '-i'] })],
    ['fish with a first command', facts('fish', { args: ['-C', 'echo hi'] })],
    ['a shell that is told to read commands', facts('bash', { args: ['-s', 'argument'] })],
    ['a shell of which nothing is known, that leads a session', facts('bash', leader)],
    ['a shell named with its version', facts('zsh-5.9', { args: [] })],
    ['tmux', facts('tmux')],
    ['a tmux server by its title', facts('tmux: server')],
    ['screen', facts('screen-4.9.0')],
    ['zellij', facts('zellij')],
    ['sshd', facts('sshd')],
    ['a session of sshd', facts('sshd-session')],
    ['login', facts('login')],
    ['systemd', facts('systemd')],
    ['(sd-pam)', facts('(sd-pam)')],
    ['pid 1', facts('kubectl', { pid: 1 })],
  ])('never ends %s', (_name, process) => {
    expect(mayEnd(process)).toBe(false)
  })

  it('takes only shells for interactive ones', () => {
    expect(isInteractiveShell(facts('python3', { ...leader, args: [] }))).toBe(false)
  })
})

describe('the fate of a client', () => {
  it.each([
    ['ended', 'live', { hasTerminal: false, holdsPass: true }, false],
    ['ended', 'holder', { hasTerminal: true }, false],
    ['expires', 'holder', { hasTerminal: false }, false],
    ['ended', 'holder', { hasTerminal: false }, true],
    ['expires', 'holder', { hasTerminal: true, holdsPass: true }, false],
    ['ended', 'holder', { hasTerminal: true, holdsPass: true }, true],
  ] as const)('is %s: %s, %o, where the rules end holders: %s', (fate, kind, facts, endsHolders) => {
    expect(fateOf({ kind, ...facts }, endsHolders)).toBe(fate)
  })
})
