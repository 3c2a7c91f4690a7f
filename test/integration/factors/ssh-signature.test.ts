import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isSignedBy } from '../../../src/factors/ssh-agent/keeper/signature.ts'
import { WireReader } from '../../../src/factors/ssh-agent/keeper/wire.ts'
import { TestAgent } from '../../fixtures/ssh-agent.ts'
import type { KeyType } from '../../fixtures/ssh-agent.ts'
import { securityKeyProvider } from '../../fixtures/tools.ts'

const types: readonly KeyType[] = ['ed25519', 'ecdsa', 'rsa', 'ed25519-sk', 'ecdsa-sk']
const message = Buffer.from('a challenge')

/** What `ssh-keygen -Y sign` says, taken out of its armour (PROTOCOL.sshsig). */
function signedByKeygen(folder: string, key: string, namespace = 'kubeguard', ...more: string[]): Buffer {
  const file = join(folder, 'message')
  writeFileSync(file, message)
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', join(folder, key), ...more, file], {
    env: { ...process.env, SSH_SK_PROVIDER: securityKeyProvider(), HOME: folder },
    stdio: 'ignore',
  })
  const armour = readFileSync(`${file}.sig`, 'utf8').replace(/-----[^-]+-----/g, '')
  rmSync(`${file}.sig`)
  const reader = new WireReader(Buffer.from(armour, 'base64').subarray(10))
  for (let field = 0; field < 4; field += 1) reader.bytes()
  return Buffer.from(reader.bytes())
}

async function agentIn(): Promise<TestAgent> {
  const root = mkdtempSync(join(tmpdir(), 'kg-ssh-'))
  const agent = await TestAgent.start(join(root, 'agent'))
  onTestFinished(() => {
    agent[Symbol.dispose]()
    rmSync(root, { recursive: true })
  })
  return agent
}

const blobOf = (line: string): Buffer => Buffer.from(line.split(' ')[1] ?? '', 'base64')

test.each(types)(
  'a signature that ssh-keygen makes with a key of type %s holds, and no other',
  async (type) => {
    const agent = await agentIn()
    const key = blobOf(agent.makeKey(type))
    const other = blobOf(agent.makeKey(type, 'other'))
    const signature = signedByKeygen(agent.folder, type)
    expect(isSignedBy(key, message, signature)).toBe(true)
    expect(isSignedBy(key, Buffer.from('another challenge'), signature)).toBe(false)
    expect(isSignedBy(other, message, signature)).toBe(false)
    expect(isSignedBy(key, message, signedByKeygen(agent.folder, type, 'git'))).toBe(false)
    for (let at = 0; at < signature.length; at += 7) {
      const forged = Buffer.from(signature)
      forged[at] = (forged[at] ?? 0) ^ 1
      expect(isSignedBy(key, message, forged)).toBe(false)
    }
    for (const length of [0, 3, 20, signature.length - 1])
      expect(isSignedBy(key, message, signature.subarray(0, length))).toBe(false)
    expect(isSignedBy(key, message, Buffer.concat([signature, Buffer.from([0])]))).toBe(false)
  },
)

test('a hardware key that signs without a touch does not hold', async () => {
  const agent = await agentIn()
  const args = ['-q', '-t', 'ed25519-sk', '-O', 'no-touch-required', '-N', '', '-w', securityKeyProvider()]
  execFileSync('ssh-keygen', [...args, '-f', join(agent.folder, 'untouched')], { stdio: 'ignore' })
  const key = blobOf(readFileSync(join(agent.folder, 'untouched.pub'), 'utf8'))
  const signature = signedByKeygen(agent.folder, 'untouched')
  // The flags stand before the counter, which ends the signature (PROTOCOL.u2f).
  expect(signature.at(-5)).toBe(0)
  expect(isSignedBy(key, message, signature)).toBe(false)
})
