/** One job a line on stdin, its time in ms on stdout; see client-process.ts. */
import { spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Job } from './client-process.ts'

for await (const line of createInterface({ input: process.stdin })) {
  const { file, args, env } = JSON.parse(line) as Job
  const startedAt = performance.now()
  const run = spawnSync(file, args, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 })
  const ms = performance.now() - startedAt
  const failure =
    run.status === 0 ? undefined : `exit code ${run.status}: ${run.error?.message ?? run.stderr.toString()}`
  process.stdout.write(`${JSON.stringify(failure === undefined ? { ms } : { error: failure })}\n`)
}
