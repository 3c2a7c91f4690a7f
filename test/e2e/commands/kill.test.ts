import { expect, test } from 'vitest'
import { guardedHome, sessionOf } from '../../fixtures/held-home.ts'
import { isRunning } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'

test('ps lists what is live with its fate, kill ends what is named and nothing else', async () => {
  await using home = await guardedHome({ idle: '10m' })
  await home.unlock('default')
  expect(await home.kubeguard(['ps'])).toMatchObject({ code: 0, stdout: '' })
  const start = (...args: string[]): number => home.start('/usr/bin/env', ['kubectl', ...args])
  const exec = start('exec', 'web-0', '-n', 'default', '--', 'sh', '-c', 'sleep 600; echo secret')
  const forward = start('port-forward', 'pod/web-0', ':8080')
  await until('both streams', async () => (await sessionOf(home)).live.length === 2)

  const listed = JSON.parse((await home.kubeguard(['ps', 'default', '--json'])).stdout) as {
    clients: Record<string, unknown>[]
  }
  const byPid = new Map(listed.clients.map((client) => [client['pid'], client]))
  const common = { session: 'default', kind: 'live', fate: 'ended', hasTerminal: false, namespace: 'default' }
  expect(byPid.get(exec)).toMatchObject({ ...common, command: 'kubectl exec web-0' })
  expect(byPid.get(forward)).toMatchObject({ ...common, command: 'kubectl port-forward pod/web-0 :8080' })
  expect(JSON.stringify(listed)).not.toContain('secret')
  const shown = await home.kubeguard(['ps'])
  expect(shown.stdout).toMatch(/^id +age +idle +context +namespace +command +session +at lock\n/)
  expect(shown.stdout).toMatch(
    new RegExp(`^${exec} .* playground +default +kubectl exec web-0 +default +ended$`, 'm'),
  )
  const watched = await home.kubeguard(['ps', '--watch'])
  expect(watched).toMatchObject({ code: 64, stdout: '' })
  expect(watched.stderr).toContain('--watch needs a terminal')
  expect((await home.kubeguard(['status'])).stdout).toMatch(/kubectl exec web-0 \(\d+\).*ended by a lock/)
  expect((await home.kubeguard(['ps', 'nobody'])).code).toBe(64)

  const unknown = await home.kubeguard(['kill', String(exec), '1'])
  expect(unknown).toMatchObject({ code: 64, stdout: '' })
  expect(unknown.stderr).toBe('kubeguard: 1 is no live process and no holder\nrun: kubeguard ps\n')
  expect(isRunning(exec)).toBe(true)
  const killed = await home.kubeguard(['kill', String(exec)])
  expect(killed).toMatchObject({ code: 0, stderr: `kubeguard: ended kubectl exec (${exec})\n` })
  expect(isRunning(exec)).toBe(false)
  expect(isRunning(forward)).toBe(true)
  expect((await sessionOf(home)).live.map(({ pid }) => pid)).toEqual([forward])
  expect((await home.kubeguard(['log', '--event', 'client-ended'])).stdout).toContain(String(exec))
  const report = JSON.parse((await home.kubeguard(['kill', String(forward), '--json'])).stdout) as object
  expect(report).toEqual({ ended: [{ pid: forward, program: 'kubectl port-forward' }], failures: [] })
})
