import type { FactorRules, FactorSettings } from '../../domain/factor.ts'
import { isMapping, refuseOtherKeys, shown } from '../../domain/policy-document.ts'
import type { Report } from '../../domain/policy-document.ts'

export interface SshAgentSettings extends FactorSettings {
  readonly factor: 'ssh-agent'
  /** Public keys as `ssh-add -L` prints them: type, base64, comment. Any one of them will do. */
  readonly keys: readonly string[]
  /** `allow`: an agent that another machine forwards will do, too. */
  readonly forwarded: 'deny' | 'allow'
}

/** Those that node:crypto verifies; `sk-` are hardware keys (OpenSSH's PROTOCOL.u2f), which want a touch. */
const keyTypes = [
  'ssh-ed25519',
  'sk-ssh-ed25519@openssh.com',
  'ecdsa-sha2-nistp256',
  'sk-ecdsa-sha2-nistp256@openssh.com',
  'ssh-rsa',
] as const

const mostKeys = 32
const key = 'sshAgent'
const cure = 'write for instance: sshAgent: { keys: ["sk-ssh-ed25519@openssh.com AAAA…"] }; see: ssh-add -L'

/** A check beside another factor: a signature by one of these keys. It opens nothing by itself. */
export const sshAgentRules: FactorRules = {
  name: 'ssh-agent',
  role: 'beside',
  key,
  read: (raw, report) => readSettings(raw, report),
  describe: (settings) => {
    const { keys, forwarded } = settings as SshAgentSettings
    const count = `${keys.length} ${keys.length === 1 ? 'key' : 'keys'}`
    return `ssh-agent (${count}${forwarded === 'allow' ? ', forwarded too' : ''})`
  },
}

function readSettings(raw: unknown, report: Report): SshAgentSettings {
  const nothing: SshAgentSettings = { factor: 'ssh-agent', keys: [], forwarded: 'deny' }
  if (!isMapping(raw)) {
    report([key], `${key} names no keys`, cure)
    return nothing
  }
  refuseOtherKeys(raw, [key], { known: ['keys', 'forwarded'], later: [] }, report)
  const { keys, forwarded = 'deny' } = raw
  if (forwarded !== 'deny' && forwarded !== 'allow')
    report([key, 'forwarded'], `forwarded: ${shown(forwarded)} is not known`, 'choose deny or allow')
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > mostKeys) {
    report([key], `${key}: keys must be a list of 1 to ${mostKeys} public keys`, cure)
    return nothing
  }
  keys.forEach((one: unknown, index) => {
    if (!isPublicKey(one))
      report([key, 'keys', index], `${shown(one)} is no public key of a known type`, cure)
  })
  return { factor: 'ssh-agent', keys: keys as string[], forwarded: forwarded === 'allow' ? 'allow' : 'deny' }
}

const isPublicKey = (value: unknown): boolean => {
  if (typeof value !== 'string' || value.length > 8_192) return false
  const [type = '', base64 = ''] = value.trim().split(/\s+/)
  return (keyTypes as readonly string[]).includes(type) && /^[A-Za-z0-9+/]{40,}={0,2}$/.test(base64)
}
