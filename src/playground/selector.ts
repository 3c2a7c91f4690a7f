import { badRequest } from './api-error.ts'
import { fieldAt } from './kube-object.ts'
import type { KubeObject } from './kube-object.ts'

export type Selector = (object: KubeObject) => boolean

/**
 * @returns what `labelSelector` and `fieldSelector` of a request ask for, both together.
 * @throws ApiError 400 for a selector that can't be read.
 */
export function selectorOf(query: URLSearchParams): Selector {
  const labels = splitRequirements(query.get('labelSelector') ?? '').map(labelRequirement)
  const fields = splitRequirements(query.get('fieldSelector') ?? '').map(fieldRequirement)
  return (object) => [...labels, ...fields].every((matches) => matches(object))
}

/** Commas part requirements, but not inside the parentheses of `in (a,b)`. */
function splitRequirements(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

const setPattern = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/
const equalityPattern = /^([^\s!=]+)\s*(==|!=|=)\s*(\S*)$/
const existsPattern = /^(!?)\s*([\w./-]+)$/

function labelRequirement(text: string): Selector {
  const set = setPattern.exec(text)
  if (set !== null) return setRequirement(set)
  const equality = equalityPattern.exec(text)
  if (equality !== null) {
    const [, key, operator, wanted] = equality
    return (object) => (labelOf(object, key!) === wanted) === (operator !== '!=')
  }
  const exists = existsPattern.exec(text)
  if (exists === null) throw badRequest(`unable to parse requirement: ${text}`)
  const [, not, key] = exists
  return (object) => (labelOf(object, key!) !== undefined) === (not === '')
}

/** `notin` also matches objects without the label, as in Kubernetes. */
function setRequirement([, key, operator, list]: RegExpExecArray): Selector {
  const values = list!.split(',').map((value) => value.trim())
  return (object) => values.includes(labelOf(object, key!) ?? '\0') === (operator === 'in')
}

function labelOf(object: KubeObject, key: string): string | undefined {
  const labels = object.metadata.labels
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
}

function fieldRequirement(text: string): Selector {
  const equality = equalityPattern.exec(text)
  if (equality === null) throw badRequest(`invalid field selector: ${text}`)
  const [, path, operator, wanted] = equality
  return (object) => (String(fieldAt(object, path!) ?? '') === wanted) === (operator !== '!=')
}
