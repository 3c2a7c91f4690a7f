import { lstatSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isWiped } from '../domain/policy-wipe.ts'
import { tokenCaches } from '../domain/token-caches.ts'
import type { Surroundings } from './audit-file.ts'
import { dayOf } from './finding-list.ts'
import type { FindingList } from './finding-list.ts'
import { readSmallFile } from './read-file.ts'
import { tokenFacts } from './token-facts.ts'

/** Where tools that give credentials to kubectl keep what they were given; below the home. */
const caches: readonly { readonly tool: string; readonly place: string }[] = [
  { tool: 'kubelogin (int128)', place: tokenCaches.kubelogin },
  { tool: 'kubelogin (Azure)', place: tokenCaches['azure-kubelogin'] },
  { tool: 'gke-gcloud-auth-plugin', place: tokenCaches['gke-gcloud-auth-plugin'] },
  { tool: 'gcloud', place: '.config/gcloud/application_default_credentials.json' },
  { tool: 'aws', place: '.aws/credentials' },
  { tool: 'aws', place: tokenCaches['aws-cli'] },
  { tool: 'aws sso', place: tokenCaches['aws-sso'] },
  { tool: 'az', place: '.azure/msal_token_cache.json' },
  { tool: 'az', place: '.azure/service_principal_entries.json' },
  { tool: 'tsh', place: tokenCaches.tsh },
]

interface CacheAudit {
  readonly findings: FindingList
  readonly surroundings: Surroundings
  readonly nowMs: number
  /** What a lock wipes, relative to the home. */
  readonly wiped: readonly string[]
}

/** Credentials that other tools keep and that work, or get new ones, whatever kubeguard's sessions do. */
export function auditCaches(home: string, audit: CacheAudit): void {
  for (const { tool, place } of caches)
    for (const path of filesBelow(join(home, place)))
      auditCacheFile(tool, path, audit, isWiped(relative(home, path), audit.wiped))
}

const mostFiles = 2000
const deepest = 5

/** Regular files at or below a place; links are not followed. */
function filesBelow(place: string, depth = 0): string[] {
  const facts = lstatSync(place, { throwIfNoEntry: false })
  if (facts === undefined) return []
  if (facts.isFile()) return [place]
  if (!facts.isDirectory() || depth >= deepest) return []
  try {
    return readdirSync(place)
      .slice(0, mostFiles)
      .flatMap((name) => filesBelow(join(place, name), depth + 1))
      .slice(0, mostFiles)
  } catch {
    return []
  }
}

function auditCacheFile(
  tool: string,
  path: string,
  { findings, surroundings, nowMs }: CacheAudit,
  willGo: boolean,
): void {
  const text = readSmallFile(path)
  if (text === undefined) return
  const found = contentOf(text)
  if (found === undefined) return
  const { rule, what, field, endsAtMs } = found
  if (rule === 'cached-credential' && endsAtMs !== undefined && endsAtMs <= nowMs) return
  const at = field === undefined ? -1 : text.indexOf(field)
  const line = at === -1 ? {} : { line: text.slice(0, at).split('\n').length }
  const ends = endsAtMs === undefined || rule !== 'cached-credential' ? '' : `, good until ${dayOf(endsAtMs)}`
  const lock = willGo ? '; a lock wipes it' : ''
  findings.add(willGo ? 'wiped-cache' : rule, `${tool} keeps ${what}${ends}${lock}`, { file: path, ...line })
  surroundings.auditMode(path, true)
}

interface Content {
  readonly rule: 'cached-refresh-token' | 'cached-credential' | 'cached-key'
  readonly what: string
  /** As it is spelled in the file. */
  readonly field?: string
  readonly endsAtMs?: number
}

function contentOf(text: string): Content | undefined {
  const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.exec(text)?.[0]
  if (key !== undefined) return { rule: 'cached-key', what: 'a private key', field: key }
  const setting = /^\s*(aws_secret_access_key)\s*=\s*\S/m.exec(text)?.[1]
  if (setting !== undefined) return { rule: 'cached-key', what: 'an access key', field: setting }
  try {
    return contentOfFields(fieldsOf(JSON.parse(text)))
  } catch {
    return undefined
  }
}

const refreshField = /^refresh_?token$/i
const keyField = /^(?:client_?secret|private_key|certificate_private_key)$/i
const credentialField = /^(?:access_?token|id_?token|token|SecretAccessKey|secret)$/i
const endField = /^(?:expires_?at|expires_?on|expiration|expiry|token_expiry)$/i

type Field = readonly [name: string, value: string]

function contentOfFields(fields: readonly Field[]): Content | undefined {
  const named = (pattern: RegExp): Field | undefined =>
    fields.find(([name, value]) => pattern.test(name) && value !== '')
  const refresh = named(refreshField)
  if (refresh !== undefined)
    return { rule: 'cached-refresh-token', what: 'a refresh token', field: `"${refresh[0]}"` }
  const credential = named(credentialField)
  if (credential !== undefined) {
    const endsAtMs = momentOf(named(endField)?.[1]) ?? tokenFacts(credential[1]).expiresAtMs
    return {
      rule: 'cached-credential',
      what: `a credential (${credential[0]})`,
      field: `"${credential[0]}"`,
      ...(endsAtMs !== undefined && { endsAtMs }),
    }
  }
  const key = named(keyField)
  return key === undefined
    ? undefined
    : { rule: 'cached-key', what: `a key (${key[0]})`, field: `"${key[0]}"` }
}

/** ISO 8601 or seconds since 1970, as the tools write it. */
function momentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text.replace(/UTC$/, 'Z'))
  return Number.isFinite(ms) ? ms : undefined
}

const deepestField = 8

/** Every named text or number in a JSON value, outermost first. */
function fieldsOf(value: unknown, depth = 0): Field[] {
  if (typeof value !== 'object' || value === null || depth > deepestField) return []
  const entries = Object.entries(value)
  const own = entries.flatMap(([name, field]): Field[] =>
    typeof field === 'string' || typeof field === 'number' ? [[name, String(field)]] : [],
  )
  // MSAL: {"RefreshToken": {id: {secret: …}}}
  const refresh = entries.some(
    ([name, field]) => name === 'RefreshToken' && Object.keys(Object(field)).length > 0,
  )
  const marked: Field[] = refresh ? [['RefreshToken', 'kept']] : []
  return [...marked, ...own, ...entries.flatMap(([, field]) => fieldsOf(field, depth + 1))]
}
