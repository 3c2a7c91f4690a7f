import { parse } from 'yaml'
import { badRequest } from './api-error.ts'
import { isRecord } from './kube-object.ts'

/**
 * Applies a PATCH body, whichever of Kubernetes' four kinds it is. Server-side apply is taken for a merge: the
 * playground tracks no field owners.
 * @throws ApiError 400 for a body or a kind that can't be read.
 */
export function patched(target: unknown, body: Buffer, contentType: string): unknown {
  const text = body.toString()
  switch (contentType.split(';')[0]) {
    case 'application/json-patch+json':
      return jsonPatched(target, parsed(text, JSON.parse))
    case 'application/merge-patch+json':
      return merged(target, parsed(text, JSON.parse), { strategic: false })
    case 'application/strategic-merge-patch+json':
      return merged(target, parsed(text, JSON.parse), { strategic: true })
    case 'application/apply-patch+yaml':
      return merged(target, parsed(text, parse), { strategic: true })
    default:
      throw badRequest(`unsupported patch type: ${contentType}`)
  }
}

/** @throws ApiError 400 where `read` can't parse the text. */
export function parsed(text: string, read: (text: string) => unknown): unknown {
  try {
    return read(text)
  } catch {
    throw badRequest('the body of the request is not readable')
  }
}

/** RFC 7396; strategic merging also joins lists of named things by name and drops its own `$` directives. */
function merged(target: unknown, patch: unknown, mode: { strategic: boolean }): unknown {
  if (mode.strategic && isNamedList(target) && isNamedList(patch)) return mergedLists(target, patch)
  if (!isRecord(patch)) return patch
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (mode.strategic && key.startsWith('$')) continue
    if (value === null) delete result[key]
    else define(result, key, merged(result[key], value, mode))
  }
  return result
}

type NamedList = (Record<string, unknown> & { name: string })[]

function isNamedList(value: unknown): value is NamedList {
  return Array.isArray(value) && value.every((item) => isRecord(item) && typeof item['name'] === 'string')
}

function mergedLists(target: NamedList, patch: NamedList): unknown[] {
  const byName = new Map<string, unknown>(target.map((item) => [item.name, item]))
  for (const item of patch) {
    if (item['$patch'] === 'delete') byName.delete(item.name)
    else byName.set(item.name, merged(byName.get(item.name), item, { strategic: true }))
  }
  return [...byName.values()]
}

/** RFC 6902, the operations that clients use: add, replace, remove, test. */
function jsonPatched(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch is a list')
  const root = { document: structuredClone(target) }
  for (const operation of operations) applyOperation(root, operation)
  return root.document
}

function applyOperation(root: { document: unknown }, operation: unknown): void {
  if (!isRecord(operation) || typeof operation['path'] !== 'string')
    throw badRequest('not a JSON patch operation')
  const keys = operation['path']
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = keys.pop()
  if (last === undefined) throw badRequest('a JSON patch of the whole document is not supported')
  const parent = keys.reduce(child, root.document)
  const { op, value } = operation
  if (Array.isArray(parent)) return changeList(parent, last, op, value)
  if (!isRecord(parent)) throw badRequest(`the path ${operation['path']} leads nowhere`)
  if (op !== 'add' && !Object.hasOwn(parent, last))
    throw badRequest(`the path ${operation['path']} leads nowhere`)
  if (op === 'add' || op === 'replace') define(parent, last, value)
  else if (op === 'remove') delete parent[last]
  else testValue(parent[last], op, value)
}

function changeList(list: unknown[], key: string, op: unknown, value: unknown): void {
  const index = key === '-' ? list.length : Number(key)
  if (!Number.isInteger(index) || index < 0 || index > list.length) throw badRequest('index out of range')
  if (op === 'add') list.splice(index, 0, value)
  else if (op === 'remove') list.splice(index, 1)
  else if (op === 'replace') list[index] = value
  else testValue(list[index], op, value)
}

function testValue(found: unknown, op: unknown, wanted: unknown): void {
  if (op !== 'test') throw badRequest(`unsupported JSON patch operation: ${String(op)}`)
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw badRequest('a JSON patch test failed')
}

function child(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value[Number(key)]
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

/** Sets a field even where it is called `__proto__`. */
function define(record: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true })
}
