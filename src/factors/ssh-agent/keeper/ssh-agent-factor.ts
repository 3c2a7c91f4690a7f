import { randomBytes } from 'node:crypto'
import type { KeeperFactor, Proving } from '../../../keeper/factor.ts'
import type { SshAgentSettings } from '../settings.ts'
import { SshAgent, refused } from './agent.ts'
import { isSignedBy, rsaSha512Flag, toBeSigned } from './signature.ts'
import { MalformedError, WireReader } from './wire.ts'

const listMs = 10_000
/** A person may have to find the key that is to be touched, or say yes to a dialog of the agent's. */
const signMs = 60_000
const nonceBytes = 32

/** A signature over a fresh challenge, by a listed key that an agent of this machine holds. */
export const sshAgentFactor: KeeperFactor = {
  async prove(settings, proving) {
    const { keys, forwarded } = settings as SshAgentSettings
    const path = (await proving.ask(Buffer.from('socket'), listMs)).toString()
    const agent = await SshAgent.at(path, forwarded)
    try {
      await signed(agent, keys.map(blobOf), proving)
      return undefined
    } catch (error) {
      throw error instanceof MalformedError ? refused('the ssh-agent said what can’t be read') : error
    } finally {
      agent.close()
    }
  },
}

/** Every listed key that is there is tried: one may be a hardware key that is not plugged in. */
async function signed(agent: SshAgent, listed: readonly Buffer[], { policy, ask }: Proving): Promise<void> {
  const held = await agent.keys(listMs)
  const usable = listed.filter((key) => held.some((one) => one.equals(key)))
  if (usable.length === 0) throw refused('the ssh-agent holds none of the keys that the policy lists')
  const challenge = Buffer.concat([Buffer.from(`kubeguard unlock ${policy}\0`), randomBytes(nonceBytes)])
  let why: unknown
  for (const key of usable) {
    if (typeOf(key).startsWith('sk-')) await ask(Buffer.from('touch'), listMs)
    const flags = typeOf(key) === 'ssh-rsa' ? rsaSha512Flag : 0
    try {
      const signature = await agent.sign(key, toBeSigned(challenge), flags, signMs)
      if (isSignedBy(key, challenge, signature)) return
      why = refused('the signature of the ssh-agent does not hold, or the key was not touched')
    } catch (error) {
      why = error
    }
  }
  throw why
}

const blobOf = (line: string): Buffer => Buffer.from(line.trim().split(/\s+/)[1] ?? '', 'base64')
const typeOf = (blob: Buffer): string => new WireReader(blob).bytes().toString('latin1')
