import { createHash } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { describePlugin, matters } from '../../domain/exec-plugins.ts'
import type { ExecPlugin, WrappedExec } from '../../domain/exec-plugins.ts'
import type { VaultItem } from '../../platform/vault/item.ts'

/** A vault's item whose credential a wrapped exec plugin gives. */
export type WrappedItem = VaultItem & { readonly exec: WrappedExec }

/** A client's surroundings, as far as a plugin may be somebody else in others. */
export interface Surroundings {
  /** NAME=value, in latin1: bytes that are no text stay apart. */
  readonly environment: readonly string[]
  readonly cwd: string
  /** What the client says of the cluster, where the plugin wants to know it; JSON. */
  readonly cluster: string | undefined
}

/**
 * Names whom the plugin speaks for: two clients with the same answer here may share what it gave. In doubt they are
 * two, which costs one more run.
 */
export function identityOf(item: WrappedItem, { environment, cwd, cluster }: Surroundings): string {
  const plugin = describePlugin(item.exec)
  const own = item.exec.env.map(({ name, value }) => `${name}=${Buffer.from(value).toString('latin1')}`)
  const overridden = new Set(item.exec.env.map(({ name }) => Buffer.from(name).toString('latin1')))
  const others = environment.filter((variable) => !overridden.has(nameOf(variable)))
  const effective = [...others.filter((variable) => matters(plugin, nameOf(variable))), ...own].toSorted()
  const { exec, id, clientCertificateData } = item
  const program = programOf(exec.command, environment)
  const parts = [id, exec, clientCertificateData, program, effective, cluster, stampsOf(plugin, effective)]
  const place = isPlaceFree(plugin, effective) ? undefined : cwd
  return createHash('sha256')
    .update(JSON.stringify([...parts, place]))
    .digest('base64')
}

const nameOf = (variable: string): string => variable.slice(0, Math.max(variable.indexOf('='), 0))
const valueOf = (variable: string): string => variable.slice(variable.indexOf('=') + 1)

/** Another PATH may lead to another program of the name, which is nobody's business but that client's. */
function programOf(command: string, environment: readonly string[]): string | undefined {
  if (command.includes('/')) return undefined
  const searchPath = environment.filter((variable) => nameOf(variable) === 'PATH').map(valueOf)[0] ?? ''
  const name = Buffer.from(command).toString('latin1')
  const candidates = searchPath
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name))
  return candidates.find(isProgram) ?? searchPath
}

function isProgram(path: string): boolean {
  try {
    const facts = statSync(Buffer.from(path, 'latin1'))
    return facts.isFile() && (facts.mode & 0o111) !== 0
  } catch {
    return false
  }
}

/** A plugin that is not known may read files beside it; of the known ones none does, unless a variable names one. */
function isPlaceFree(plugin: ExecPlugin, effective: readonly string[]): boolean {
  if (plugin.variables === undefined) return false
  return effective.every(
    (variable) =>
      !/(^|_)(FILE|CONFIG|HOME|PATH|CREDENTIALS)$|DIR$/.test(nameOf(variable)) ||
      isAbsolute(valueOf(variable)),
  )
}

/** More entries of a folder are not looked at. */
const mostEntries = 64

/** Who logs in as somebody else changes one of these files: what was given before is not shared any more. */
function stampsOf(plugin: ExecPlugin, effective: readonly string[]): string[] {
  const variable = (name: string): string | undefined =>
    effective.filter((one) => nameOf(one) === name).map(valueOf)[0]
  const home = variable('HOME') ?? userInfo().homedir
  return plugin.sources
    .filter(({ tellsWho }) => tellsWho === true)
    .map(
      (source) =>
        (source.variable === undefined ? undefined : variable(source.variable)) ?? join(home, source.path),
    )
    .flatMap((path) => [stampOf(path), ...entriesOf(path).map((name) => stampOf(join(path, name)))])
}

function stampOf(path: string): string {
  try {
    const facts = statSync(Buffer.from(path, 'latin1'), { bigint: true })
    return `${path} ${facts.ino} ${facts.size} ${facts.mtimeNs}`
  } catch {
    return path
  }
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(Buffer.from(path, 'latin1'), 'latin1').toSorted().slice(0, mostEntries)
  } catch {
    return []
  }
}
