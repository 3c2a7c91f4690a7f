import type { AuditRule } from '../domain/audit-rules.ts'
import { certificateFacts } from './certificate-facts.ts'
import { dayOf, describeUser } from './finding-list.ts'
import type { FindingList, Place, Whose } from './finding-list.ts'
import { tokenFacts } from './token-facts.ts'
import type { TokenFacts } from './token-facts.ts'

/** Where a secret was found and whose it is. `source`: the file of its own that it came from. */
export interface SecretPlace {
  readonly source: string | undefined
  readonly place: Place
  readonly whose: Whose
  readonly findings: FindingList
  readonly nowMs: number
}

const dayMs = 24 * 60 * 60_000

export function auditToken(token: string, { source, place, whose, findings, nowMs }: SecretPlace): void {
  const facts = tokenFacts(token)
  const where = source === undefined ? '' : ` in ${source}`
  const message = `user ${describeUser(whose)}: token${where} ${describeToken(facts, nowMs)}`
  findings.add(tokenRule(facts, nowMs), message, place, whose)
}

function tokenRule({ expiresAtMs, isLegacyServiceAccount }: TokenFacts, nowMs: number): AuditRule {
  if (isLegacyServiceAccount) return 'service-account-token'
  if (expiresAtMs === undefined) return 'unending-token'
  if (expiresAtMs <= nowMs) return 'expired-token'
  return expiresAtMs - nowMs > dayMs ? 'long-lived-token' : 'short-lived-token'
}

function describeToken(facts: TokenFacts, nowMs: number): string {
  if (!facts.isJwt) return 'doesn’t say when it ends'
  const { expiresAtMs, issuedAtMs, issuer, subject, audience } = facts
  return [
    expiresAtMs === undefined
      ? 'never ends'
      : `${expiresAtMs <= nowMs ? 'ended' : 'ends'} ${dayOf(expiresAtMs)}`,
    ...(issuedAtMs === undefined ? [] : [`issued ${dayOf(issuedAtMs)}`]),
    ...(issuer === undefined ? [] : [`by ${issuer}`]),
    ...(subject === undefined ? [] : [`to ${subject}`]),
    ...(audience === undefined ? [] : [`for ${audience.join(' and ')}`]),
  ].join(', ')
}

/** The group that RBAC can't limit: it is bound to cluster-admin before any rule is looked at. */
const mastersGroup = 'system:masters'

export function auditCertificate(pem: string, { source, place, whose, findings, nowMs }: SecretPlace): void {
  const facts = certificateFacts(pem)
  const where = source === undefined ? 'key embedded' : `key in ${source}`
  if (facts === undefined) {
    const message = `user ${describeUser(whose)}: client certificate that can’t be read, ${where}`
    return findings.add('client-certificate', message, place, whose)
  }
  const { beginsAtMs, endsAtMs, issuer, groups, key } = facts
  const ended = endsAtMs <= nowMs
  const message = [
    `user ${describeUser(whose)}: client certificate can’t be revoked, ${ended ? 'ended' : 'ends'} ${dayOf(endsAtMs)}`,
    `valid from ${dayOf(beginsAtMs)}`,
    `issued by ${issuer}`,
    ...(groups.length === 0 ? [] : [`groups ${groups.join(', ')}`]),
    key,
    where,
  ].join(', ')
  const rule = ended
    ? 'expired-client-certificate'
    : groups.includes(mastersGroup)
      ? 'cluster-admin-certificate'
      : endsAtMs - nowMs > dayMs
        ? 'client-certificate'
        : 'short-lived-client-certificate'
  findings.add(rule, message, place, whose)
  if (facts.isKeyWeak)
    findings.add('weak-key', `user ${describeUser(whose)}: client key is ${key}`, place, whose)
}
