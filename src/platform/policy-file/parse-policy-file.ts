import { isMap, isSeq, LineCounter } from 'yaml'
import type { Document, Node } from 'yaml'
import type { Policy, PolicyProblem } from '../../domain/policy.ts'
import type { PolicyPath } from '../../domain/policy-document.ts'
import { validatePolicies } from '../../domain/validate-policies.ts'
import type { ValidatedPolicies } from '../../domain/validate-policies.ts'
import { parseYaml, tooDeep } from '../parse-yaml.ts'

/**
 * Parses and checks a policy file. All problems are told at once, each with its line and column.
 *
 * @param rest what applies to contexts that no policy of the file names
 */
export function parsePolicyFile(text: string, file: string, rest?: Policy): ValidatedPolicies {
  const lines = new LineCounter()
  const document = parseYaml(text, { lineCounter: lines, strict: true, uniqueKeys: true })
  if (document.errors.length > 0) {
    const problems = document.errors.map((error): PolicyProblem => {
      const { line, col } = lines.linePos(error.pos[0])
      const said = (error.message.split('\n')[0] as string).replace(/ at line \d+, column \d+:?$/, '')
      const message = error.code === 'RESOURCE_EXHAUSTION' ? tooDeep : said
      return { file, line, column: col, message, cure: 'mend the YAML', severity: 'error' }
    })
    return { policies: undefined, said: new Map(), problems }
  }
  const locate = (path: PolicyPath) => {
    const { line, col } = lines.linePos(offsetOf(document, path))
    return { line, column: col }
  }
  return validatePolicies(toPlain(document), file, locate, rest)
}

/** Aliases are limited by the library; a document that still overflows counts as empty. */
function toPlain(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    return undefined
  }
}

/** Where the key of the last step stands, or the item itself in a list; else the nearest step before. */
function offsetOf(document: Document, path: PolicyPath): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (key as { value?: unknown } | null)?.value === step)
      offset = startOf(pair?.key) ?? offset
      node = pair?.value
    } else if (isSeq(node)) {
      node = node.items[step as number]
      offset = startOf(node) ?? offset
    }
  }
  return offset
}

const startOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0]
