/**
 * The three functions of the metadata proposal that tsyringe, below @peculiar/x509, looks for on `Reflect`.
 * Must be imported before @peculiar/x509. Nothing else in the project uses them.
 */
const metadataOf = new WeakMap<object, Map<unknown, unknown>>()

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const entries = metadataOf.get(target) ?? new Map<unknown, unknown>()
  metadataOf.set(target, entries.set(key, value))
}

function getOwnMetadata(key: unknown, target: object): unknown {
  return metadataOf.get(target)?.get(key)
}

function getMetadata(key: unknown, target: object): unknown {
  for (
    let owner: object | null = target;
    owner !== null;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    if (metadataOf.get(owner)?.has(key)) return getOwnMetadata(key, owner)
  }
  return undefined
}

if (!('getMetadata' in Reflect)) Object.assign(Reflect, { defineMetadata, getOwnMetadata, getMetadata })
