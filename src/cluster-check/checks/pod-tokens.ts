import { needsFlags } from '../control-plane.ts'
import type { ProgramFlags } from '../control-plane.ts'
import type { Notes } from '../report.ts'

const name = 'service-account-extend-token-expiration'

/** The longer end is in the token alone, which nobody here reads: so the flag tells, which is true unless said. */
export function checkPodTokens(notes: Notes, flags: ProgramFlags | undefined): void {
  if (flags === undefined) return notes.unseen('extended pod tokens', needsFlags)
  if (flags.servers.every((server) => server.get(name) === 'false')) return
  const said = flags.servers.some((server) => server.has(name)) ? `--${name}=true` : `--${name} is not set`
  notes.found('pod-token-extended', { kind: 'flag', name }, `${said} (${flags.from})`)
}
