/** The metadata fields that the playground reads or sets; others are kept as they came. */
export interface ObjectMeta {
  name: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  creationTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  [field: string]: unknown
}

/** A Kubernetes object as its JSON is. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  [field: string]: unknown
}

/** @returns the value at a dotted path such as `status.phase`, or undefined. */
export function fieldAt(object: unknown, path: string): unknown {
  let value = object
  for (const key of path.split('.')) {
    if (!isRecord(value)) return undefined
    value = value[key]
  }
  return value
}

/** @returns whether a value is a JSON object (no array, no null). */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
