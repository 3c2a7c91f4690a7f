import { isAtLeast, severities } from '../domain/audit-rules.ts'
import type { Severity } from '../domain/audit-rules.ts'
import { clusterRules } from './rules.ts'
import type { ClusterRuleId } from './rules.ts'
import type { Platform, Settings } from './settings.ts'
import { platforms } from './settings.ts'

export interface ClusterFinding {
  readonly rule: ClusterRuleId
  readonly severity: Severity
  /** What it is about: `secret kube-system/bootstrap-token-abcdef`. */
  readonly place: string
  /** What was seen. */
  readonly evidence: string
  /** What closes it, by where the API server’s settings are made. */
  readonly settings: Settings
}

/** What could not be looked at, and what it would need. */
export interface NotSeen {
  readonly what: string
  readonly needs: string
}

export interface ClusterReport {
  readonly schema: 1
  readonly user: string
  readonly server: string
  readonly platform: Platform
  /** Worst first. */
  readonly findings: readonly ClusterFinding[]
  readonly notSeen: readonly NotSeen[]
  /** Findings beyond what one report holds. */
  readonly leftOut: number
}

/** An object that a finding names. */
export interface Place {
  readonly kind: string
  readonly name: string
  readonly namespace?: string | undefined
}

/** A cluster can have any number of bad objects; a person reads so many of one kind. */
const mostOfOneRule = 50

/** What the checks have found so far. */
export class Notes {
  readonly #findings: ClusterFinding[] = []
  readonly #notSeen: NotSeen[] = []
  #leftOut = 0

  /** @param severity where this one is not as bad as others of its kind, or worse */
  found(
    rule: ClusterRuleId,
    place: Place,
    evidence: string,
    severity: Severity = clusterRules[rule].severity,
  ): void {
    if (this.#findings.filter((finding) => finding.rule === rule).length >= mostOfOneRule) {
      this.#leftOut += 1
      return
    }
    const settings = settingsFor(clusterRules[rule].settings, place)
    this.#findings.push({ rule, severity, place: placeText(place), evidence, settings })
  }

  unseen(what: string, needs: string): void {
    if (!this.#notSeen.some((known) => known.what === what && known.needs === needs))
      this.#notSeen.push({ what, needs })
  }

  /** In the catalogue’s order within one severity, so that two runs say the same. */
  report(about: Pick<ClusterReport, 'user' | 'server' | 'platform'>): ClusterReport {
    const order = Object.keys(clusterRules)
    const rank = ({ severity, rule }: ClusterFinding): number =>
      severities.indexOf(severity) * order.length + order.indexOf(rule)
    const findings = this.#findings.toSorted((a, b) => rank(a) - rank(b) || (a.place < b.place ? -1 : 1))
    const notSeen = this.#notSeen.toSorted((a, b) => (a.what < b.what ? -1 : 1))
    return { schema: 1, ...about, findings, notSeen, leftOut: this.#leftOut }
  }
}

/** @returns whether a finding is as bad as `level`, or worse. */
export const isFoundAt = ({ findings }: ClusterReport, level: Severity): boolean =>
  findings.some(({ severity }) => isAtLeast(severity, level))

function placeText({ kind, name, namespace }: Place): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`
}

/** The commands in the settings with the object’s own names, safe to be pasted. */
function settingsFor(settings: Settings, { kind, name, namespace = '' }: Place): Settings {
  const words: Readonly<Record<string, string>> = {
    kind: namespace === '' ? kind : `${kind} -n ${shellWord(namespace)}`,
    namespace: shellWord(namespace),
    name: shellWord(name),
    id: shellWord(name.replace(/^bootstrap-token-/, '')),
  }
  const filled = (text: string): string =>
    text.replaceAll(/\{(kind|namespace|name|id)\}/g, (_, word: string) => words[word] ?? '')
  return Object.fromEntries(platforms.map((each) => [each, filled(settings[each])])) as Record<
    Platform,
    string
  >
}

/**
 * Names of RBAC’s objects may hold nearly every character, and begin with a dash: nothing of them is to be run, or taken
 * for a flag (`--all`), by who pastes the line.
 */
export function shellWord(text: string): string {
  if (/^[\w.:/@][\w.:/@-]*$/.test(text)) return text
  const quoted = `'${text.replaceAll("'", String.raw`'\''`)}'`
  return text.startsWith('-') ? `-- ${quoted}` : quoted
}
