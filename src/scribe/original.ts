import * as v from 'valibot'

/** How a user was spelled before it was adopted; kept inside the vault's item, for eject alone. */
export interface Original {
  readonly version: 1
  /** The kubeconfig as it was named: relative paths in `fields` start from its folder. */
  readonly path: string
  /** The fields that were taken out, secrets included. */
  readonly fields: Readonly<Record<string, unknown>>
  /** The user was shared by contexts of several policies. */
  readonly split?: Split | undefined
  /** Clusters that contexts of this user had before they were pointed to a gateway. */
  readonly clusters?: readonly MovedCluster[] | undefined
}

export interface MovedCluster {
  readonly base: string
  /** The cluster that is the gateway. */
  readonly name: string
}

export interface Split {
  /** The user that all the contexts had. */
  readonly base: string
  /** The users that were made beside it. */
  readonly parts: readonly string[]
  /** Files that have contexts of it. */
  readonly files: readonly string[]
}

const schema = v.object({
  version: v.literal(1),
  path: v.string(),
  fields: v.record(v.string(), v.unknown()),
  split: v.optional(v.object({ base: v.string(), parts: v.array(v.string()), files: v.array(v.string()) })),
  clusters: v.optional(v.array(v.object({ base: v.string(), name: v.string() }))),
})

/** @returns undefined for what this version did not write; the reason could quote a secret, so none is given */
export function parseOriginal(value: unknown): Original | undefined {
  const parsed = v.safeParse(schema, value)
  return parsed.success ? parsed.output : undefined
}
