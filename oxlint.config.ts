import { readdirSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { defineConfig } from 'oxlint'
import manifest from './package.json' with { type: 'json' }
import { folderRules, isWithin, powers } from './scripts/import-rules.ts'
import type { FolderRule } from './scripts/import-rules.ts'

/** The lint rules. Who may import what comes from the table in scripts/import-rules.ts alone. */

interface Pattern {
  regex: string
  message: string
  allowTypeImports?: boolean | undefined
}

const folders = Object.keys(folderRules)
const modules = [
  ...builtinModules.map((name) => `node:${name}`),
  ...Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }),
]
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`)
const anyOf = (names: readonly string[]): string => `(${names.map(literal).join('|')})`

/** `../` once or more, then a place in src/: how a file of one folder names another's. No look-ahead: oxlint has none. */
const placePattern = (places: readonly string[]): string => String.raw`^(\.\./)+${anyOf(places)}(\.ts$|/)`
const modulePattern = (names: readonly string[]): string => `^${anyOf(names)}(/|$)`

/** The folders, and the single places of a folder of which only a part is allowed. */
function forbiddenPlaces(own: string, allowed: readonly string[]): string[] {
  return folders.filter((folder) => folder !== own).flatMap((folder) => forbiddenWithin(folder, allowed))
}

/** The place itself where nothing in it is allowed, else what stands in it beside the allowed. */
function forbiddenWithin(place: string, allowed: readonly string[]): string[] {
  if (allowed.includes(place)) return []
  if (!allowed.some((other) => other.startsWith(`${place}/`))) return [place]
  const names = readdirSync(new URL(`src/${place}`, import.meta.url)).map((name) => name.replace(/\.ts$/, ''))
  return names.flatMap((name) => forbiddenWithin(`${place}/${name}`, allowed))
}

function forbiddenModules(area: string, rule: FolderRule): string[] {
  if (rule.node !== 'all') return modules.filter((name) => !rule.node.includes(name.replace('node:', '')))
  return Object.keys(powers).filter((name) => !powers[name]?.some((place) => isWithin(area, place)))
}

/** `area` is the folder itself, or a part of it with a power of its own, such as platform/vault. */
function patternsFor(area: string, own: string, rule: FolderRule): Pattern[] {
  const message = `src/${own} may not import this: see scripts/import-rules.ts`
  const { may, mayTypes = [], never = [] } = rule
  const patterns: Pattern[] = [
    { regex: placePattern([...forbiddenPlaces(own, [...may, ...mayTypes]), ...never]), message },
    { regex: modulePattern(forbiddenModules(area, rule)), message },
  ]
  const roles = otherRoles(own)
  if (roles.length > 0) patterns.push({ regex: String.raw`^\./${anyOf(roles)}(\.ts$|/)`, message })
  if (mayTypes.length > 0) patterns.push({ regex: placePattern(mayTypes), message, allowTypeImports: true })
  return patterns
}

/** Beside a factor's file stand those of its other roles. */
function otherRoles(own: string): string[] {
  if (!own.startsWith('factors/')) return []
  return folders
    .filter((other) => other.startsWith('factors/') && other !== own && other !== 'factors/settings')
    .map((other) => other.replace('factors/', ''))
}

/** A role of `factors` (scripts/import-rules.ts, areaOf) is a file or a folder in each factor's. */
function filesOf(area: string): string[] {
  const role = area.startsWith('factors/') ? area.replace('factors/', 'factors/*/') : undefined
  return [area, ...(role === undefined ? [] : [role])].flatMap((one) => [
    `src/${one}/**/*.ts`,
    `src/${one}.ts`,
  ])
}

/** The whole folder first: of two overrides that match a file, the later one wins. */
const importRules = Object.entries(folderRules).flatMap(([own, rule]) => {
  const parts = Object.values(powers)
    .flat()
    .filter((place) => place.startsWith(`${own}/`))
  return [own, ...new Set(parts)].map((area) => ({
    files: filesOf(area),
    rules: { 'no-restricted-imports': ['error' as const, { patterns: patternsFor(area, own, rule) }] },
  }))
})

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  ignorePatterns: ['dist/**', '.cache/**', 'coverage/**', '**/node_modules/**'],
  options: { reportUnusedDisableDirectives: 'error' },
  rules: {
    // `== null` is both null and undefined, and says so.
    'eqeqeq': ['error', 'always', { null: 'ignore' }],
    'no-console': 'error',
    'no-eval': 'error',
    'no-var': 'error',
    'unicorn/prefer-node-protocol': 'error',
    'prefer-const': 'error',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'typescript/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
    'typescript/no-explicit-any': 'error',
    // Steps that must come one after another are the rule here: lock order, one write at a time.
    'no-await-in-loop': 'off',
    // A local may have the plain name of the thing it is.
    'no-shadow': 'off',
    // `socket._handle` and friends: Node has no public way to a descriptor.
    'no-underscore-dangle': 'off',
    'import/no-named-as-default-member': 'off',
    'import/no-unassigned-import': 'off',
    'unicorn/consistent-function-scoping': 'off',
    // Property tests assert through fast-check, shared cases through functions of their own.
    'vitest/expect-expect': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/no-standalone-expect': 'off',
    'vitest/require-mock-type-parameters': 'off',
    'vitest/valid-title': 'off',
    'vitest/no-disabled-tests': 'error',
    'vitest/no-focused-tests': 'error',
    'unicorn/prefer-set-has': 'off',
    'oxc/no-map-spread': 'off',
    'unicorn/no-array-sort': 'off',
  },
  overrides: [
    ...importRules,
    { files: ['*.config.ts', 'test/**/*-reporter.ts'], rules: { 'import/no-default-export': 'off' } },
    {
      files: ['.ci/**', 'scripts/**', 'test/**', 'src/playground/**', 'src/tour/**'],
      rules: { 'no-console': 'off' },
    },
  ],
})
