import type { IncomingMessage } from 'node:http'
import { readApiRequest } from '../domain/api-request.ts'
import { deniedBy, describeDeny } from '../domain/deny-rules.ts'
import type { DenyRule } from '../domain/deny-rules.ts'
import { answer } from './answer.ts'
import type { Answer } from './answer.ts'
import { hasBody } from './forward.ts'
import { asksToImpersonate } from './headers.ts'

interface Rules {
  readonly policy: string
  readonly deny: readonly DenyRule[]
  readonly impersonate: 'never' | 'allow'
}

/**
 * @param target at the API server
 * @returns why a request of somebody with a pass is refused; undefined where it is not
 */
export function objectionTo(request: IncomingMessage, target: string, rules: Rules): Answer | undefined {
  if (rules.impersonate === 'never' && asksToImpersonate(request.rawHeaders))
    return answer(
      'Forbidden',
      `policy ${rules.policy} lets nobody impersonate (--as); it could, by: impersonate: allow`,
    )
  if (rules.deny.length === 0) return undefined
  const about = readApiRequest(request.method ?? '', target)
  if (about === undefined) return answer('Forbidden', 'a path that could be read in two ways is refused')
  const rule = deniedBy(rules.deny, about)
  if (rule === undefined) return undefined
  const { policy } = rules
  return answer(
    'Forbidden',
    `policy ${policy} denies this (${describeDeny(rule)}); see: kubeguard policy show`,
  )
}

/** What becomes a tunnel, in which nothing is looked at any more: streams of Kubernetes, and nothing else that speaks HTTP. */
const streams = new Set(['websocket', 'spdy/3.1'])

/** As `objectionTo`, of a request that asks for an upgrade. */
export function objectionToUpgrade(request: IncomingMessage): Answer | undefined {
  if (!streams.has((request.headers.upgrade ?? '').toLowerCase()))
    return answer('BadRequest', 'no upgrade but to websocket and SPDY/3.1 goes through the gateway')
  // It would reach the API server as the tunnel’s first bytes.
  if (hasBody(request)) return answer('BadRequest', 'a request for an upgrade has no body')
  return undefined
}
