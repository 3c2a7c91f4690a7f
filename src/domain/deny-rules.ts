import type { ApiRequest } from './api-request.ts'
import { globMatches } from './glob.ts'
import { isMapping, shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'

/** What no request through the gateway may do, whatever the cluster allows. */
export interface DenyRule {
  /** RBAC’s, or `*`. `delete` is `deletecollection` too. */
  readonly verbs: readonly string[]
  /** Plural names, `pods/exec` for a subresource; `*` for all, subresources too. */
  readonly resources: readonly string[]
  /** Globs; absent: everywhere, and what is in no namespace. */
  readonly namespaces?: readonly string[] | undefined
}

const mostRules = 64
const mostEntries = 64
const cure = 'write: deny: [{verbs: [delete], resources: [namespaces]}]'

const patterns: Readonly<Record<string, RegExp>> = {
  verbs: /^(?:\*|[a-z]{1,32})$/,
  resources: /^(?:\*|[a-z0-9][a-z0-9.-]{0,252}(?:\/(?:\*|[a-z0-9]{1,63}))?)$/,
  namespaces: /^[a-z0-9*?][a-z0-9*?-]{0,62}$/,
}

/** Reads `deny`. */
export function readDeny(raw: unknown, report: Report): readonly DenyRule[] {
  if (raw === undefined) return []
  if (!Array.isArray(raw) || raw.length > mostRules) {
    report(['deny'], `deny must be a list of at most ${mostRules} rules`, cure)
    return []
  }
  raw.forEach((rule: unknown, index) => refuseWrong(rule, index, report))
  return raw as DenyRule[]
}

function refuseWrong(rule: unknown, index: number, report: Report): void {
  if (!isMapping(rule)) return report(['deny', index], `${shown(rule)} is no rule`, cure)
  for (const key of Object.keys(rule))
    if (patterns[key] === undefined)
      report(
        ['deny', index, key],
        `${shown(key)} is not known`,
        `known here: ${Object.keys(patterns).join(', ')}`,
      )
  for (const key of ['verbs', 'resources'])
    if (rule[key] === undefined) report(['deny', index], `a rule of deny needs ${key}`, cure)
  for (const [key, pattern] of Object.entries(patterns)) {
    const list = rule[key]
    if (list === undefined) continue
    if (!Array.isArray(list) || list.length === 0 || list.length > mostEntries) {
      report(['deny', index, key], `${key} must be a list of 1 to ${mostEntries} entries`, cure)
      continue
    }
    list.forEach((entry: unknown, at) => {
      if (typeof entry === 'string' && pattern.test(entry)) return
      report(['deny', index, key, at], `${shown(entry)} can’t stand in ${key}`, cure)
    })
  }
}

/** @returns the first rule that this is against */
export function deniedBy(rules: readonly DenyRule[], request: ApiRequest): DenyRule | undefined {
  return rules.find(
    ({ verbs, resources, namespaces }) =>
      request.resource !== '' &&
      verbs.some((verb) => isVerb(verb, request.verb)) &&
      resources.some((resource) => isResource(resource, request.resource)) &&
      (namespaces === undefined || namespaces.some((glob) => globMatches(glob, request.namespace))),
  )
}

const isVerb = (rule: string, verb: string): boolean =>
  rule === '*' || rule === verb || (rule === 'delete' && verb === 'deletecollection')

function isResource(rule: string, resource: string): boolean {
  if (rule === '*' || rule === resource) return true
  const [name, sub] = rule.split('/')
  return sub === '*' && resource.startsWith(`${name}/`)
}

/** As a person reads it. */
export function describeDeny({ verbs, resources, namespaces }: DenyRule): string {
  const where = namespaces === undefined ? '' : ` in ${namespaces.join(', ')}`
  return `${verbs.join(', ')} ${resources.join(', ')}${where}`
}

/** Each rule once. */
export function unitedDeny(lists: readonly (readonly DenyRule[])[]): readonly DenyRule[] {
  return [...new Map(lists.flat().map((rule) => [describeDeny(rule), rule])).values()]
}
