import { createPrivateKey, X509Certificate } from 'node:crypto'
import * as v from 'valibot'
import { describePlugin } from '../../domain/exec-plugins.ts'
import { credentialEndMs } from '../exec-credential.ts'
import type { WrappedItem } from './identity.ts'
import { pluginFailed } from './plugin-failed.ts'

const group = 'client.authentication.k8s.io/'

const mapping = v.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

const schema = v.object({
  kind: v.string(),
  apiVersion: v.string(),
  spec: v.nullish(
    v.pipe(mapping, v.object({ interactive: v.nullish(v.boolean()), cluster: v.nullish(mapping) })),
  ),
  status: v.nullish(
    v.object({
      token: v.nullish(v.string(), ''),
      clientCertificateData: v.nullish(v.string(), ''),
      clientKeyData: v.nullish(v.string(), ''),
      expirationTimestamp: v.nullish(v.string()),
    }),
  ),
})

const timestamp =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/** RFC 3339, as metav1.Time is read: no 30th of February, which Date.parse takes for a day in March. @returns ms, or undefined */
function timeOf(text: string): number | undefined {
  const day = timestamp.exec(text)?.[1]
  const midnightMs = day === undefined ? Number.NaN : Date.parse(`${day}T00:00:00Z`)
  if (Number.isNaN(midnightMs) || !new Date(midnightMs).toISOString().startsWith(`${day}T`)) return undefined
  return Date.parse(text)
}

/**
 * What a wrapped plugin printed, as an item that can be given out; as strict as client-go is (exec.go,
 * refreshCredsLocked). No part of it is ever quoted.
 *
 * @throws GuardError plugin-failed
 */
export function readAnswer(item: WrappedItem, output: Buffer, nowMs: number): WrappedItem {
  const { name } = describePlugin(item.exec)
  const wrong = (why: string): Error => pluginFailed(item, `${name} gave no credential: ${why}`)
  if (output.length === 0) throw wrong('it printed nothing')
  const parsed = v.safeParse(schema, jsonOf(output))
  if (!parsed.success || parsed.output.kind !== 'ExecCredential')
    throw wrong('what it printed is no ExecCredential')
  const { apiVersion, status } = parsed.output
  if (apiVersion !== group + item.exec.apiVersion)
    throw wrong(`it speaks another version than ${item.exec.apiVersion}, which the kubeconfig names`)
  if (status == null) throw wrong('what it printed has no status')
  const { token, clientCertificateData: certificate, clientKeyData: key, expirationTimestamp } = status
  if ((certificate === '') !== (key === ''))
    throw wrong('a certificate without its key, or a key without its certificate')
  if (token === '' && certificate === '') throw wrong('it has neither a token nor a certificate')
  if (certificate !== '' && !belongTogether(certificate, key))
    throw wrong('its certificate and key don’t fit')
  const expiresAtMs = expirationTimestamp == null ? undefined : timeOf(expirationTimestamp)
  if (expirationTimestamp != null && expiresAtMs === undefined)
    throw wrong('its expirationTimestamp is no time')
  // Beside an exec plugin a static certificate is used all the same, and in the place of the plugin's.
  const own = item.clientCertificateData === undefined && certificate !== ''
  const answer: WrappedItem = {
    ...item,
    token: token === '' ? undefined : token,
    ...(own && { clientCertificateData: certificate, clientKeyData: key }),
    expiresAtMs,
  }
  if (credentialEndMs(answer) <= nowMs) throw wrong('what it gave has expired already')
  return answer
}

/** Beyond it client-go refuses an answer (Go, encoding/json/scanner.go, maxNestingDepth). */
const deepest = 10_000

function jsonOf(output: Buffer): unknown {
  try {
    const text = output.toString()
    return isDeeperThan(deepest, text) ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Of JSON; what a string holds is no nesting. */
function isDeeperThan(most: number, text: string): boolean {
  let depth = 0
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (token === '[' || token === '{') depth += 1
    else if (token === ']' || token === '}') depth -= 1
    if (depth > most) return true
  }
  return false
}

function belongTogether(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}
