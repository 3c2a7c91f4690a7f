import { needed } from '../cluster.ts'
import type { Answer, Cluster, Whoami } from '../cluster.ts'
import { goDurationMs, needsFlags } from '../control-plane.ts'
import type { ProgramFlags } from '../control-plane.ts'
import type { Notes } from '../report.ts'
import { aboutHours, dayMs } from '../time.ts'

export interface ServiceAccount {
  readonly namespace: string
  readonly name: string
}

/** What is asked for: more than any should be given, then a little more than is good. */
const asks = ['8760h', '25h'] as const

const what = 'TokenRequest’s longest grant'
const needsAccount = 'a service account’s own credential, or --token-of NAMESPACE/NAME to ask for one of that'

/**
 * Measured by a real TokenRequest: one that is a dry run gets a token just the same (tried on 1.37). kubectl prints the end
 * alone, so the token itself never leaves it; nothing is left behind, but that the audit log has it.
 *
 * @param named whose token is asked for; else our own service account’s, and of nobody else
 */
export async function checkTokenRequest(
  cluster: Cluster,
  notes: Notes,
  seen: {
    me: Whoami | undefined
    flags: ProgramFlags | undefined
    named: ServiceAccount | undefined
    nowMs: number
  },
): Promise<void> {
  const account = seen.named ?? ownAccount(seen.me)
  if (account === undefined) return byFlags(notes, seen.flags, needsAccount)
  for (const duration of asks) {
    const answer = await ask(cluster, account, duration)
    if (answer.ok) return granted(notes, account, duration, Date.parse(answer.text.trim()) - seen.nowMs)
    if (isRefusedToUs(answer.why))
      return byFlags(notes, seen.flags, `create on serviceaccounts/token in ${account.namespace}`)
    if (!answer.forbidden) return notes.unseen(what, needed(answer, ''))
  }
}

/** kubectl prints the end of what it was given, and nothing else of it. */
const onlyEnd = ['-o', 'jsonpath={.status.expirationTimestamp}']

const ask = (cluster: Cluster, { namespace, name }: ServiceAccount, duration: string): Promise<Answer> =>
  cluster.kubectl(['create', 'token', name, '-n', namespace, `--duration=${duration}`, ...onlyEnd])

function granted(notes: Notes, account: ServiceAccount, asked: string, grantedMs: number): void {
  if (!(grantedMs > dayMs + 60_000)) return
  const place = { kind: 'serviceaccount', ...account }
  const evidence = `measured: asked for ${aboutHours(goDurationMs(asked) ?? 0)}, given ${aboutHours(grantedMs)}; that token was thrown away unseen`
  notes.found('token-request-long', place, evidence)
}

/** RBAC’s own words; an admission policy says no in others, and that is what it should do. */
const isRefusedToUs = (why: string): boolean => /cannot create resource "serviceaccounts\/token"/.test(why)

/** @param needs what it would take to measure it */
function byFlags(notes: Notes, flags: ProgramFlags | undefined, needs: string): void {
  const name = 'service-account-max-token-expiration'
  if (flags === undefined) return notes.unseen(what, `${needs}; or ${needsFlags}`)
  for (const server of flags.servers) {
    const limit = server.get(name) ?? '0'
    const limitMs = goDurationMs(limit) ?? 0
    if (limitMs !== 0 && limitMs <= dayMs) continue
    const evidence = `${limitMs === 0 ? `--${name} is not set` : `--${name}=${limit}`} (${flags.from})`
    return notes.found('token-request-long', { kind: 'flag', name }, evidence)
  }
}

/**
 * The user’s name of a service account, in Kubernetes’ own form. It comes from the API server, and goes to kubectl as an
 * argument: nothing that could be taken for a flag does.
 */
function ownAccount(me: Whoami | undefined): ServiceAccount | undefined {
  const [, namespace, name] =
    /^system:serviceaccount:([a-z0-9][a-z0-9-]*):([a-z0-9][a-z0-9.-]*)$/.exec(me?.username ?? '') ?? []
  return namespace === undefined || name === undefined ? undefined : { namespace, name }
}
