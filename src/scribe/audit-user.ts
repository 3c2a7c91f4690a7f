import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { GuardError } from '../domain/errors.ts'
import { pluginNamed, sourcesOf } from '../domain/exec-plugins.ts'
import { classifyUser } from '../platform/kubeconfig/classify-user.ts'
import type { UserKind } from '../platform/kubeconfig/classify-user.ts'
import { fieldValue } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { Kubeconfig, UserEntry } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { auditCertificate, auditToken } from './audit-secrets.ts'
import { describeUser } from './finding-list.ts'
import type { FindingList, Place, Whose } from './finding-list.ts'
import type { Materialised } from './materialised-fields.ts'
import { readExec } from './read-exec.ts'
import { readSecrets } from './read-secrets.ts'
import type { Secrets } from './read-secrets.ts'

export interface UserAudit {
  readonly config: Kubeconfig
  readonly user: UserEntry
  readonly whose: Whose
  readonly findings: FindingList
  readonly nowMs: number
  readonly searchPath: string
  readonly materialised: Materialised
  /** The wrapped exec plugin behind a credential of ours. */
  readonly wrappedBy: (ours: { policy: string; credential: string }) => string | undefined
}

export interface UserFacts {
  /** The file, or one that it names, holds something that proves who the user is. */
  readonly holdsSecret: boolean
  readonly isAdoptable: boolean
  /** Files beside the kubeconfig that hold the secrets. */
  readonly sources: readonly string[]
}

/** Everything about one user of a kubeconfig that outlives a session. */
export function auditUser(audit: UserAudit): UserFacts {
  const { config, user, whose, findings, nowMs } = audit
  const kind = classifyUser(config, user)
  if (kind.ours !== undefined && audit.materialised.has(config, user)) return auditMaterialised(audit)
  const secrets = secretsOf(audit)
  const at = (field: string): Place => placeOf(config, user.fields.get(field)?.offset ?? user.offset)
  if (secrets?.token !== undefined) {
    const source = secrets.sources.find(({ holds }) => holds === 'token')?.path
    const place = at(source === undefined ? 'token' : 'tokenFile')
    auditToken(secrets.token, { source, place, whose, findings, nowMs })
  }
  if (secrets?.clientKeyData !== undefined) {
    const source = secrets.sources.find(({ holds }) => holds === 'client key')?.path
    const place = at(source === undefined ? 'client-key-data' : 'client-key')
    auditCertificate(secrets.clientCertificateData ?? '', { source, place, whose, findings, nowMs })
  }
  const hasPassword = isSet(audit, 'password')
  if (hasPassword)
    findings.add('basic-auth', `user ${describeUser(whose)}: a password in the clear`, at('password'), whose)
  if (kind.kind === 'auth-provider') auditProvider(audit, at('auth-provider'))
  if (user.fields.has('exec')) {
    auditPlugin(audit, {
      ours: kind.ours,
      isHidden: secrets?.token !== undefined || hasPassword,
    })
  }
  return {
    holdsSecret:
      hasPassword ||
      kind.kind === 'auth-provider' ||
      secrets?.token !== undefined ||
      secrets?.clientKeyData !== undefined,
    isAdoptable:
      kind.adoptable && secrets !== undefined && (kind.kind !== 'exec' || 'exec' in readExec(config, user)),
    sources: secrets?.sources.map(({ path }) => path) ?? [],
  }
}

/** Its session is open, or a crash left it: either way the next lock or sweep takes it out. */
function auditMaterialised({ config, user, whose, findings, materialised }: UserAudit): UserFacts {
  const [field = ''] = materialised.fieldsOf(config, user).keys()
  findings.add(
    'materialised',
    `user ${describeUser(whose)}: its ${field} stands here until the lock`,
    placeOf(config, user.fields.get(field)?.offset ?? user.offset),
    whose,
  )
  return { holdsSecret: true, isAdoptable: false, sources: [] }
}

export function placeOf(config: Kubeconfig, offset: number): Place {
  const { line, col } = config.lines.linePos(offset)
  return { file: config.path, line: Math.max(line, 1), column: Math.max(col, 1) }
}

/** What can't be read as client-go would is told where it stands. */
function secretsOf({ config, user, whose, findings }: UserAudit): Secrets | undefined {
  try {
    const found = readSecrets(config, user)
    if ('secrets' in found) return found.secrets
    findings.add(
      'unreadable-file',
      `user ${describeUser(whose)}: ${found.problem}`,
      placeOf(config, user.offset),
      whose,
    )
  } catch (error) {
    if (!(error instanceof GuardError)) throw error
    findings.add(
      'unreadable-file',
      `user ${describeUser(whose)}: ${error.message}`,
      placeOf(config, user.offset),
      whose,
    )
  }
  return undefined
}

function isSet({ config, user }: UserAudit, field: string): boolean {
  const value = fieldValue(config, user, field)
  return value !== undefined && value !== null && value !== ''
}

function auditProvider({ config, user, whose, findings }: UserAudit, place: Place): void {
  const provider = fieldValue(config, user, 'auth-provider') as Record<string, unknown> | undefined
  const settings = Object.keys((provider?.['config'] as object | undefined) ?? {})
  const kept = ['access-token', 'id-token', 'refresh-token', 'client-secret'].filter((key) =>
    settings.includes(key),
  )
  const holds = kept.length === 0 ? '' : `, with ${kept.join(', ')} in the file`
  findings.add(
    'auth-provider',
    `user ${describeUser(whose)}: auth provider ${text(provider?.['name'])}${holds}`,
    place,
    whose,
  )
}

interface PluginFacts {
  readonly ours: UserKind['ours']
  /** Something beside it makes client-go never ask it. */
  readonly isHidden: boolean
}

function auditPlugin(
  { config, user, whose, findings, searchPath, wrappedBy }: UserAudit,
  facts: PluginFacts,
): void {
  const field = user.fields.get('exec')
  if (field === undefined) return
  const exec = (fieldValue(config, user, 'exec') ?? {}) as Record<string, unknown>
  const command = text(exec['command'])
  const place = placeOf(config, field.offset)
  const add = (rule: Parameters<FindingList['add']>[0], message: string): void =>
    findings.add(rule, `user ${describeUser(whose)}: ${message}`, place, whose)
  if (facts.ours !== undefined) {
    if (facts.isHidden) add('guard-bypassed', 'a token or password beside kubeguard’s entry wins over it')
    const wrapped = wrappedBy(facts.ours)
    if (wrapped !== undefined)
      add(
        'borrowed-credential',
        `${wrapped} behind kubeguard has its own in ${sourcesOf(pluginNamed(wrapped)).join(', ')}`,
      )
    return
  }
  if (facts.isHidden) add('plugin-never-runs', `the token or password beside it wins over ${command}`)
  else add('unguarded-plugin', `${command} gives credentials at any time`)
  if (!command.includes('/')) add('plugin-by-name', foundByName(command, searchPath))
  const secret = secretOf(exec)
  if (secret !== undefined) add('secret-in-exec', `${secret} of ${command} is written out in the file`)
}

function foundByName(command: string, searchPath: string): string {
  for (const folder of searchPath.split(delimiter)) {
    const path = join(folder, command)
    if (isAbsolute(folder) && isProgram(path))
      return `${command} is whichever comes first on PATH, now ${path}`
  }
  return `${command} is not on PATH now: whoever puts a program of that name there gets to run it as you`
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

const secretFlag = /^--[a-z-]*(?:client-secret|password)(?:=.|$)/
const secretVariable = /SECRET|PASSWORD|PASSWD|TOKEN$|API_?KEY$/i

/** @returns which flag or variable; never its value */
function secretOf(exec: Record<string, unknown>): string | undefined {
  const flag = listOf(exec['args']).find((one) => typeof one === 'string' && secretFlag.test(one))
  if (flag !== undefined) return String(flag).split('=')[0]
  const variables = listOf(exec['env']) as ({ name?: unknown; value?: unknown } | null)[]
  const variable = variables.find((one) => text(one?.value) !== '' && secretVariable.test(text(one?.name)))
  return variable === undefined ? undefined : text(variable?.name)
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
