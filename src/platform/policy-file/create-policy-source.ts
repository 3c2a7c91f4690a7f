import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { decidedRules } from '../../domain/explain-policy.ts'
import type { DecidedRule, FileSays } from '../../domain/explain-policy.ts'
import {
  defaultPolicies,
  loosestPolicy,
  policyForContext,
  strictestPolicies,
  tighten,
} from '../../domain/policy.ts'
import type { PolicySet } from '../../domain/policy.ts'
import { tightenings } from '../../domain/tighten-policies.ts'
import type { Log, PolicyOrigins, PolicySaid, PolicySource } from '../../usecases/ports.ts'
import type { FileStamp } from './read-file.ts'
import { RulesFile } from './rules-file.ts'
import type { Distrust } from './rules-file.ts'

/** The organisation's rules; they can only tighten the user's. */
export const organisationFile = '/etc/kubeguard/config.yaml'

interface Options {
  readonly userFile: string
  /** Undefined where there is none to obey. */
  readonly organisationFile: string | undefined
  readonly log: Log
  /** The only user whose organisation file is obeyed; 0 but in tests. */
  readonly organisationOwner?: number
}

/**
 * The rules in force. Each call of `current` looks at the files by stat, and reads what changed: no
 * watcher, and nothing wakes up. An invalid file never loosens anything: its last good rules stay in
 * force, and the strictest ones where it never had any.
 */
export function createPolicySource(options: Options): PolicySource & PolicyOrigins {
  return new PolicyFiles(options)
}

class PolicyFiles implements PolicySource, PolicyOrigins {
  readonly #user: RulesFile
  readonly #organisation: RulesFile | undefined
  readonly #log: Log
  readonly #listeners: (() => void)[] = []
  #inForce: PolicySet = strictestPolicies()
  #untightened: PolicySet = this.#inForce

  constructor({ userFile, organisationFile, log, organisationOwner = 0 }: Options) {
    this.#log = log
    this.#user = new RulesFile(userFile, { distrust: notOursAlone })
    this.#organisation =
      organisationFile === undefined
        ? undefined
        : new RulesFile(organisationFile, {
            rest: loosestPolicy,
            distrust: writableByOthers(organisationOwner),
          })
    this.#refresh()
  }

  current(): PolicySet {
    if (this.#refresh()) for (const listener of this.#listeners) listener()
    return this.#inForce
  }

  problems() {
    return [...this.#user.problems, ...(this.#organisation?.problems ?? [])]
  }

  files() {
    const user = { path: this.#user.path, exists: this.#user.exists, kind: 'user' as const }
    if (this.#organisation === undefined) return [user]
    return [
      user,
      { path: this.#organisation.path, exists: this.#organisation.exists, kind: 'organisation' as const },
    ]
  }

  tightenedBy(policy: string): readonly string[] {
    const after = this.#inForce.find(({ name }) => name === policy)
    const before = this.#untightened.find(({ name }) => name === policy)
    if (after === undefined || after === before) return []
    return before === undefined ? ['it is the organisation’s'] : tightenings(before, after)
  }

  decidedFor(context: string): readonly DecidedRule[] {
    const above = this.#organisation
    return decidedRules(
      policyForContext(this.#inForce, context),
      saysFor(context, this.#untightened, this.#user),
      above?.exists === true ? saysFor(context, this.#above(), above) : undefined,
    )
  }

  saidAt(context: string, rule: string): PolicySaid | undefined {
    const by = this.decidedFor(context).find((one) => one.rule === rule)?.by ?? []
    const says = [
      { kind: 'user', file: this.#user, rules: this.#untightened },
      { kind: 'organisation', file: this.#organisation, rules: this.#above() },
    ] as const
    for (const { kind, file, rules } of says) {
      if (file === undefined || !by.includes(kind)) continue
      const place = saysFor(context, rules, file).said.get(rule)
      if (place !== undefined) return { file: file.path, ...place }
    }
    return undefined
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #above(): PolicySet {
    return this.#organisation === undefined ? [loosestPolicy] : rulesOf(this.#organisation, [loosestPolicy])
  }

  #refresh(): boolean {
    const changed = [this.#user, this.#organisation].filter((file) => file?.refresh() === true)
    if (changed.length === 0) return false
    for (const file of changed) this.#tell(file as RulesFile)
    this.#untightened = rulesOf(this.#user, defaultPolicies())
    this.#inForce = tighten(this.#untightened, this.#above())
    return true
  }

  #tell(file: RulesFile): void {
    if (file.valid) this.#log.info('policy file read', { file: file.path, exists: file.exists })
    for (const { line, column, message } of file.problems) {
      this.#log.warn('problem in a policy file', { file: file.path, line, column, message })
    }
  }
}

/** The last good rules; where a file exists that never was good, the strictest for everything. */
function rulesOf(file: RulesFile, missing: PolicySet): PolicySet {
  if (!file.exists) return missing
  return file.rules ?? strictestPolicies()
}

function saysFor(context: string, rules: PolicySet, { said }: RulesFile): FileSays {
  const policy = policyForContext(rules, context)
  return { policy, said: said.get(policy.name) ?? new Map() }
}

const othersMayWrite = 0o022n

/** Who may write a folder may put another file of root's in this one's place, or none. One that is not there is nobody's. */
function isOwnersAlone(owner: number, folder: string): boolean {
  const facts = statSync(folder, { bigint: true, throwIfNoEntry: false })
  return facts === undefined || (facts.uid === BigInt(owner) && (facts.mode & othersMayWrite) === 0n)
}

/** The folder that a link leads to. */
function realFolder(path: string): string[] {
  try {
    return [dirname(realpathSync(path))]
  } catch {
    return []
  }
}

/** It names programs that run as this account (`onLock`), so nobody else may have written it. */
function notOursAlone(stamp: FileStamp | undefined): ReturnType<Distrust> {
  if (stamp === undefined) return undefined
  const { uid, mode } = stamp
  if (uid !== 0n && uid !== BigInt(process.getuid?.() ?? 0))
    return { message: 'the policy file belongs to another account', cure: 'make it yours: chown' }
  if ((mode & othersMayWrite) === 0n) return undefined
  return {
    message: 'others may write the policy file',
    cure: 'look at what it says, then run chmod go-w on it',
  }
}

/**
 * The organisation's file is obeyed when it is root's and nobody else's to write. One that is not
 * counts as invalid rather than as missing: whoever could change its mode must not gain by that.
 */
function writableByOthers(owner: number): Distrust {
  return (stamp, path) => {
    // Where there is none each request comes by here: one look at its folder.
    const folders = stamp === undefined ? [dirname(path)] : [dirname(path), ...realFolder(path)]
    const folder = folders.find((one) => !isOwnersAlone(owner, one))
    if (folder !== undefined) {
      const message = `others than root may replace the organisation’s file: ${folder} is not root’s alone`
      return { message, cure: `as root: chown root ${folder}; chmod go-w ${folder}` }
    }
    if (stamp === undefined) return undefined
    const { uid, mode } = stamp
    if (uid !== BigInt(owner))
      return { message: 'the organisation’s file is not root’s', cure: 'as root: chown root it' }
    if ((mode & othersMayWrite) === 0n) return undefined
    return { message: 'others than root may write the organisation’s file', cure: 'as root: chmod 644 it' }
  }
}
