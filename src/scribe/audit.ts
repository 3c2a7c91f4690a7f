import { join } from 'node:path'
import { GuardError } from '../domain/errors.ts'
import { dirs, places } from '../platform/dirs.ts'
import { parseKubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import type { Kubeconfig } from '../platform/kubeconfig/parse-kubeconfig.ts'
import { parseKuberc } from '../platform/kubeconfig/parse-kuberc.ts'
import { readKubeconfig } from '../platform/kubeconfig/read-kubeconfig.ts'
import type { AuditJob } from '../platform/scribes/job.ts'
import { createVaultCatalogue } from '../platform/vault-catalogue.ts'
import type { AuditReport } from '../protocol/reports.ts'
import { auditCaches } from './audit-caches.ts'
import { auditCluster } from './audit-cluster.ts'
import { Surroundings } from './audit-file.ts'
import { auditUser } from './audit-user.ts'
import type { UserAudit } from './audit-user.ts'
import { filesOfKube, namedInStartUpFiles } from './find-kubeconfigs.ts'
import { FindingList } from './finding-list.ts'
import { allMaterialised, Materialised } from './materialised-fields.ts'
import { readBytes, readSmallFile } from './read-file.ts'

/**
 * Job `audit`: every way in which a credential of these kubeconfigs, and of what lies around them,
 * outlives a session. Nothing is written, not even what a killed run left is cleared away.
 */
export async function audit(job: AuditJob): Promise<AuditReport> {
  const run = new Audit(job)
  await run.readInForce()
  if (job.home !== undefined) await run.lookAround(job.home)
  return run.report()
}

interface AuditedFile {
  readonly config: Kubeconfig
  /** The file behind any symlinks. */
  readonly real: string
}

class Audit {
  readonly #job: AuditJob
  readonly #findings = new FindingList()
  readonly #surroundings = new Surroundings(this.#findings)
  readonly #nowMs = Date.now()
  readonly #materialised = new Materialised(allMaterialised())
  readonly #wrapped = wrappedPlugins()
  /** Real paths, and names, of what was looked at. */
  readonly #seen = new Set<string>()
  readonly #adoptable: { file: string; users: string[] }[] = []
  #kubeconfigs = 0
  #users = 0

  constructor(job: AuditJob) {
    this.#job = job
  }

  /** The files in force are one kubeconfig: contexts of each may lead to users of any. */
  async readInForce(): Promise<void> {
    const files: AuditedFile[] = []
    for (const path of this.#job.paths) {
      const file = await this.#read(path)
      if (file !== undefined) files.push(file)
    }
    const contexts = contextsByUser(files)
    for (const file of files) this.#auditFile(file, contexts)
  }

  async lookAround(home: string): Promise<void> {
    for (const path of filesOfKube(home)) {
      if (this.#seen.has(path) || !looksLikeKubeconfig(path)) continue
      if (await this.#auditStray(path))
        this.#findings.add('stray-kubeconfig', 'it holds a credential, and $KUBECONFIG does not name it', {
          file: path,
        })
    }
    await this.#auditStartUpFiles(home)
    auditCaches(home, {
      findings: this.#findings,
      surroundings: this.#surroundings,
      nowMs: this.#nowMs,
      wiped: this.#job.wiped ?? [],
    })
    this.#auditKuberc(this.#job.kuberc ?? join(home, '.kube', 'kuberc'))
  }

  report(): AuditReport {
    return {
      schema: 1,
      findings: this.#findings.sorted(),
      kubeconfigs: this.#kubeconfigs,
      users: this.#users,
      adoptable: this.#adoptable,
      leftOut: this.#findings.leftOut,
    }
  }

  /** @returns undefined for a file that is not there, can't be read, or was read under another name */
  async #read(path: string): Promise<AuditedFile | undefined> {
    try {
      const snapshot = await readKubeconfig(path)
      if (snapshot === undefined || this.#seen.has(snapshot.real)) return undefined
      this.#seen.add(snapshot.real).add(path)
      this.#kubeconfigs += 1
      return { config: parseKubeconfig(path, snapshot.text), real: snapshot.real }
    } catch (error) {
      this.#addUnreadable(path, error)
      return undefined
    }
  }

  #addUnreadable(path: string, error: unknown): void {
    if (!(error instanceof GuardError)) throw error
    const [, line, column] = /:(\d+):(\d+): /.exec(error.message.slice(path.length)) ?? []
    const place = line === undefined ? {} : { line: Number(line), column: Number(column) }
    this.#findings.add('unreadable-file', error.message, { file: path, ...place })
  }

  /** @returns whether it holds a credential */
  #auditFile({ config, real }: AuditedFile, contexts: ReadonlyMap<string, readonly string[]>): boolean {
    const findings = this.#findings
    for (const cluster of config.clusters) auditCluster(config, cluster, findings)
    const adoptable: string[] = []
    let holdsSecret = false
    for (const user of config.users) {
      const whose = { user: user.name, contexts: contexts.get(user.name) ?? [] }
      try {
        const { searchPath } = this.#job
        const wrappedBy: UserAudit['wrappedBy'] = ({ credential }) => this.#wrapped.get(credential)
        const known = { materialised: this.#materialised, wrappedBy }
        const facts = auditUser({ config, user, whose, findings, nowMs: this.#nowMs, searchPath, ...known })
        holdsSecret ||= facts.holdsSecret
        if (facts.isAdoptable) adoptable.push(user.name)
        for (const source of facts.sources) this.#surroundings.auditMode(source, true)
      } catch (error) {
        this.#addUnreadable(config.path, error)
      }
    }
    this.#users += config.users.length
    if (adoptable.length > 0) this.#adoptable.push({ file: config.path, users: adoptable })
    this.#surroundings.auditMode(real, holdsSecret)
    if (holdsSecret) this.#surroundings.auditGit(config.path)
    const copies = this.#surroundings.auditLeftovers(config.path, (path) => this.#seen.has(path))
    for (const copy of copies) this.#seen.add(copy)
    return holdsSecret
  }

  async #auditStray(path: string): Promise<boolean> {
    const file = await this.#read(path)
    return file !== undefined && this.#auditFile(file, contextsByUser([file]))
  }

  async #auditStartUpFiles(home: string): Promise<void> {
    for (const { startUpFile, line, kubeconfig } of namedInStartUpFiles(home)) {
      if (!(await this.#auditStray(kubeconfig))) continue
      const message = `it puts ${kubeconfig}, which holds a credential, into KUBECONFIG`
      this.#findings.add('kubeconfig-in-start-up-file', message, { file: startUpFile, line })
    }
  }

  /** kubectl 1.35 and later. */
  #auditKuberc(path: string): void {
    const text = readSmallFile(path)
    const kuberc = text === undefined ? undefined : parseKuberc(text)
    if (text !== undefined && kuberc === undefined)
      return this.#findings.add('unreadable-file', 'kuberc is not valid YAML', { file: path })
    const { pluginPolicy, pluginPolicyLine, skipsTlsLine } = kuberc ?? {}
    if (skipsTlsLine !== undefined)
      this.#findings.add('kuberc-skips-tls', 'an option or alias skips the check', {
        file: path,
        line: skipsTlsLine,
      })
    if (this.#kubeconfigs === 0 || pluginPolicy === 'Allowlist' || pluginPolicy === 'DenyAll') return
    const message =
      kuberc === undefined ? 'there is no kuberc' : `credentialPluginPolicy is ${pluginPolicy ?? 'not set'}`
    const place = pluginPolicyLine === undefined ? {} : { line: pluginPolicyLine }
    this.#findings.add('plugin-policy-open', message, { file: path, ...place })
  }
}

/** By credential. A kubeconfig's word for a policy is no folder's name: all vaults are looked through. */
function wrappedPlugins(): ReadonlyMap<string, string> {
  const catalogue = createVaultCatalogue(places.vaults(dirs()))
  const entries = catalogue.policies().flatMap((policy) => catalogue.entries(policy))
  return new Map(entries.flatMap(({ id, plugin }) => (plugin === undefined ? [] : [[id, plugin] as const])))
}

/** The first definition of a name wins, in contexts as in users (kubectl's merging rules). */
function contextsByUser(files: readonly AuditedFile[]): Map<string, string[]> {
  const users = new Map<string, string[]>()
  const names = new Set<string>()
  for (const { config } of files) {
    for (const { name, user } of config.contexts) {
      if (names.has(name)) continue
      names.add(name)
      const contexts = users.get(user)
      if (contexts === undefined) users.set(user, [name])
      else contexts.push(name)
    }
  }
  return users
}

const likeKubeconfig = /^\s*["']?(?:users|clusters|contexts)["']?\s*:|"(?:users|clusters|contexts)"\s*:/m

function looksLikeKubeconfig(path: string): boolean {
  return likeKubeconfig.test(readBytes(path)?.toString('latin1') ?? '')
}
