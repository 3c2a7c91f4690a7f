import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestHome } from '../../fixtures/home.ts'

/** Rules with limits of seconds; the names and globs of a usual file. */
export function writePolicy(home: TestHome, rules: { idle: string; lifetime?: string }): void {
  mkdirSync(join(home.guardHome, 'config'), { recursive: true, mode: 0o700 })
  const { idle, lifetime = '1h' } = rules
  const policy = (name: string, globs: string) =>
    `  - name: ${name}\n    contexts: [${globs}]\n    idle: ${idle}\n    lifetime: ${lifetime}\n    warn: 1s\n`
  const text = `apiVersion: kubeguard.dev/v1\npolicies:\n${policy('prod', '"prod-*"')}${policy('default', '"*"')}`
  writeFileSync(join(home.guardHome, 'config', 'config.yaml'), text, { mode: 0o600 })
}
