import { factorRules, openingFactor, rulesOfFactor } from '../factors/settings.ts'
import type { FactorSettings } from './factor.ts'
import type { ForeignLogIn, KnownLogIn } from './foreign-log-in.ts'
import { shown } from './policy-document.ts'
import type { Report } from './policy-document.ts'

export { wordsOf } from '../factors/settings.ts'

type Fields = Readonly<Record<string, unknown>>

const usual: readonly FactorSettings[] = [{ factor: 'passphrase' }]

/** The keys of a policy that hold the settings of one factor each. */
export const factorKeys: readonly string[] = factorRules.flatMap(({ key }) =>
  key === undefined ? [] : [key],
)

/**
 * Reads `unlock: [NAME, …]` and the settings of each: one factor that opens, and any number beside it.
 * The one that opens comes first, whatever the order in the file.
 */
export function readUnlock(raw: Fields, report: Report): readonly FactorSettings[] {
  const names =
    raw['unlock'] === undefined ? usual.map(({ factor }) => factor) : namesIn(raw['unlock'], report)
  if (names === undefined) return usual
  const rules = names.flatMap((name) => rulesOfFactor(name) ?? [])
  for (const { key, name } of factorRules) {
    if (key !== undefined && raw[key] !== undefined && !names.includes(name))
      report(
        [key],
        `${key} is there, but unlock does not list ${name}`,
        `write: unlock: [${name}], or remove ${key}`,
      )
  }
  return rules
    .toSorted((one, other) => Number(one.role === 'beside') - Number(other.role === 'beside'))
    .map(({ key, read }) => read(key === undefined ? undefined : raw[key], report))
}

function namesIn(value: unknown, report: Report): readonly string[] | undefined {
  const known = factorRules.map(({ name }) => name).join(', ')
  const opening = factorRules.filter(({ role }) => role === 'opens').map(({ name }) => name)
  if (!Array.isArray(value) || value.length === 0) {
    report(['unlock'], `unlock: ${shown(value)} is no list of factors`, 'write: unlock: [passphrase]')
    return undefined
  }
  const strange: unknown = value.find((name) => typeof name !== 'string' || rulesOfFactor(name) === undefined)
  if (strange !== undefined) {
    report(['unlock'], `unlock: ${shown(strange)} is no factor of this version`, `choose among: ${known}`)
    return undefined
  }
  const names = value as string[]
  if (new Set(names).size === names.length && names.filter((name) => opening.includes(name)).length === 1)
    return names
  report(
    ['unlock'],
    `unlock: ${shown(value)} must have one of ${opening.join(', ')}, and nothing twice`,
    `write for instance: unlock: [${opening[0] ?? ''}]`,
  )
  return undefined
}

/**
 * Of several policies for one context: every check that any of them wants, and where any takes its credentials from
 * elsewhere than a vault, that one. Of two that name the same factor the last one's settings hold: the organisation's.
 */
export function strictestUnlock(each: readonly (readonly FactorSettings[])[]): readonly FactorSettings[] {
  const byName = new Map(each.flat().map((settings) => [settings.factor, settings]))
  const opening = each.flatMap((unlock) => openingFactor(unlock) ?? [])
  const opens = opening.findLast(({ factor }) => factor !== 'passphrase') ?? opening.at(-1)
  const beside = [...byName.values()].filter(({ factor }) => rulesOfFactor(factor)?.role === 'beside')
  return opens === undefined ? beside : [opens, ...beside]
}

/** Does this ask for anything, or for anything else, than what was proven? What it no longer asks for is no matter. */
export function asksForMore(unlock: readonly FactorSettings[], proven: readonly FactorSettings[]): boolean {
  return JSON.stringify(strictestUnlock([proven, unlock])) !== JSON.stringify(proven)
}

/** As a policy file says it: nothing where the passphrase alone unlocks, as it does unless something is said. */
export function renderUnlock(unlock: readonly FactorSettings[]): Fields {
  if (unlock.every(({ factor }) => factor === 'passphrase')) return {}
  const settings = unlock.flatMap((one) => {
    const { factor, ...said } = one
    const key = rulesOfFactor(factor)?.key
    return key === undefined ? [] : [[key, said] as const]
  })
  return { unlock: unlock.map(({ factor }) => factor), ...Object.fromEntries(settings) }
}

/** A log-in of somebody else's that a factor can do as well, and which factor that is. */
export interface KnownToFactor extends KnownLogIn {
  readonly factor: string
}

/** @returns undefined where no factor knows it */
export function knownToFactor(logIn: ForeignLogIn): KnownToFactor | undefined {
  for (const { name, knows } of factorRules) {
    const known = knows?.(logIn)
    if (known !== undefined) return { factor: name, ...known }
  }
  return undefined
}

/** Does what this policy unlocks by make this log-in needless? @returns the settings that do */
export function settingsFor(
  unlock: readonly FactorSettings[],
  known: KnownToFactor,
): FactorSettings | undefined {
  return unlock.find(
    (settings) =>
      settings.factor === known.factor && rulesOfFactor(settings.factor)?.isSame?.(settings, known) === true,
  )
}

/** In words: `oidc (https://id.example), ssh-agent`. */
export function describeUnlock(unlock: readonly FactorSettings[]): string {
  return unlock
    .map((settings) => rulesOfFactor(settings.factor)?.describe(settings) ?? settings.factor)
    .join(', ')
}
