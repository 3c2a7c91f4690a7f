import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, visit } from 'yaml'
import type { Document, Node } from 'yaml'
import { parseYaml } from '../parse-yaml.ts'

/** What kubectl's preferences (kuberc, kubectl.config.k8s.io/v1beta1) say about credentials. */
export interface Kuberc {
  /** `credentialPluginPolicy`: which exec plugins kubectl 1.35 and later runs; absent: all. */
  readonly pluginPolicy: string | undefined
  readonly pluginPolicyLine: number | undefined
  /** `credentialPluginAllowlist`: programs as it names them. */
  readonly allowedPlugins: readonly string[]
  /** Where a default or an alias makes kubectl skip the check of the server's certificate. */
  readonly skipsTlsLine: number | undefined
}

const tlsOption = 'insecure-skip-tls-verify'

/** @returns undefined for what is no YAML mapping */
export function parseKuberc(text: string): Kuberc | undefined {
  const lines = new LineCounter()
  const document = parseYaml(text, { lineCounter: lines, prettyErrors: false })
  const root = document.contents
  if (document.errors.length > 0 || !isMap(root)) return undefined
  const lineOf = (node: Node): number => Math.max(1, lines.linePos(node.range?.[0] ?? 0).line)
  const policy = root.items.find(({ key }) => isScalar(key) && key.value === 'credentialPluginPolicy')
  let skips: Node | undefined
  visit(document, (_, node) => {
    if (isAlias(node)) return undefined
    if (isMap(node) && isOptionOn(node.get('name'), node.get('default'))) skips ??= node
    else if (isScalar(node) && (node.value === `--${tlsOption}` || node.value === `--${tlsOption}=true`))
      skips ??= node
    return undefined
  })
  return {
    pluginPolicy: isPair(policy) && isScalar(policy.value) ? String(policy.value.value) : undefined,
    allowedPlugins: allowedPlugins(document),
    pluginPolicyLine: policy === undefined ? undefined : lineOf(policy.key as Node),
    skipsTlsLine: skips === undefined ? undefined : lineOf(skips),
  }
}

/** `name` in kubectl 1.35. */
function allowedPlugins(document: Document): string[] {
  const list = document.get('credentialPluginAllowlist')
  if (!isSeq(list)) return []
  return list.items
    .flatMap((entry) => (isMap(entry) ? [entry.get('name'), entry.get('command')] : []))
    .filter((name) => typeof name === 'string')
}

/** `{name: insecure-skip-tls-verify, default: "true"}`, of an option or (v1alpha1) a flag. */
function isOptionOn(name: unknown, on: unknown): boolean {
  return name === tlsOption && String(on) === 'true'
}
