import { expect, test } from 'vitest'
import { sshAgentRules } from '../../../src/factors/ssh-agent/settings.ts'

const key = `ssh-ed25519 ${'A'.repeat(68)} me@machine`

function read(raw: unknown) {
  const problems: string[] = []
  const settings = sshAgentRules.read(raw, (path, message) => problems.push(`${path.join('.')}: ${message}`))
  return { settings, problems }
}

test('keys as ssh-add -L prints them; a forwarded agent only where that is said', () => {
  expect(read({ keys: [key] })).toEqual({
    settings: { factor: 'ssh-agent', keys: [key], forwarded: 'deny' },
    problems: [],
  })
  const { settings, problems } = read({
    keys: [key, key.replace('ssh-', 'sk-ssh-').replace('19 ', '19@openssh.com ')],
    forwarded: 'allow',
  })
  expect(problems).toEqual([])
  expect(sshAgentRules.describe(settings)).toBe('ssh-agent (2 keys, forwarded too)')
})

test.each([
  [undefined, 'sshAgent: sshAgent names no keys'],
  [{ keys: [] }, 'sshAgent: sshAgent: keys must be a list of 1 to 32 public keys'],
  [
    { keys: ['~/.ssh/id_ed25519.pub'] },
    'sshAgent.keys.0: "~/.ssh/id_ed25519.pub" is no public key of a known type',
  ],
  [
    { keys: [key.replace('ssh-ed25519', 'ssh-dss')] },
    expect.stringContaining('is no public key of a known type'),
  ],
  [{ keys: [key], forwarded: true }, 'sshAgent.forwarded: forwarded: "true" is not known'],
  [{ keys: [key], forward: 'allow' }, 'sshAgent.forward: "forward" is not known'],
])('refuses %j', (raw, problem) => {
  expect(read(raw).problems).toEqual([problem])
})
