import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { pluginSecret, useCloudPlugin } from '../../fixtures/cloud-plugin.ts'
import type { CloudPlugin } from '../../fixtures/cloud-plugin.ts'
import { good, isRunning, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import { filesWith, viewOf } from '../commands/secrets.ts'

/** A user whose plugin takes the playground's token from elsewhere, adopted. */
async function cloudHome(
  changes: Record<string, unknown> = {},
): Promise<{ home: TestHome; plugin: CloudPlugin; before: unknown }> {
  const home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const plugin = useCloudPlugin(home, { changes })
  const before = await viewOf(home, home.kubeconfig)
  await home.init()
  return { home, plugin, before }
}

const pids = (text: string): number[] => text.trim().split(/\s+/).map(Number)

test('one run for all, nothing of it while locked, told as borrowed, and back as it was', async () => {
  const { home, plugin, before } = await cloudHome()
  await using _ = home
  expect(filesWith(home.home, [pluginSecret])).toEqual([])
  plugin.behaves('note "run $CLOUD_SECRET"; sleep 0.5')
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 77 })
  expect(plugin.runs()).toEqual([])

  await home.unlock('default')
  const many = await Promise.all(Array.from({ length: 12 }, () => home.kubectl(['get', 'pods'])))
  for (const run of many) {
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout).toContain('web-0')
  }
  expect(await home.realKubectl(['get', 'pods'])).toMatchObject({ code: 0 })
  expect(plugin.runs()).toEqual([`run ${pluginSecret}`])
  expect(await home.kubectl(['get', 'pods'], { env: { ACCOUNT: 'other' } })).toMatchObject({ code: 0 })
  expect(plugin.runs()).toHaveLength(2)

  const status = await home.kubeguard(['status'])
  expect(status.stdout).toMatch(
    /default: playground is borrowed: cloud-login has its own in .* outlives a lock/,
  )
  const audit = await home.kubeguard(['audit', '--fail-on', 'never', '--format', 'json'])
  expect(audit.stdout).toContain('"borrowed-credential"')
  expect(audit.stdout).not.toContain('"unguarded-plugin"')

  await home.lock()
  expect(await home.realKubectl(['get', 'pods'])).not.toMatchObject({ code: 0 })
  expect(plugin.runs()).toHaveLength(2)
  good(await home.kubeguard(['eject', '--yes', '--passphrase-fd', '3'], { fd3: passphrase }))
  expect(await viewOf(home, home.kubeconfig)).toEqual(before)
  expect(await home.realKubectl(['get', 'pods'])).toMatchObject({ code: 0 })
})

test('a failing one runs once for all of kubectl’s tries, says so once, and again for the next kubectl', async () => {
  const { home, plugin } = await cloudHome()
  await using _ = home
  await home.unlock('default')
  plugin.behaves('note run; echo "please log in" >&2; exit 3')
  const failed = await home.realKubectl(['get', 'pods'])
  expect(failed.code).not.toBe(0)
  expect(failed.stderr.match(/please log in/g)).toHaveLength(1)
  expect(failed.stderr).toMatch(/^kubeguard: cloud-login failed with exit code 3; /m)
  expect(failed.stderr).toMatch(/exit code 3\b/)
  expect(plugin.runs()).toHaveLength(1)
  plugin.behaves('note run')
  expect(await home.realKubectl(['get', 'pods'])).toMatchObject({ code: 0, stderr: '' })
  expect(plugin.runs()).toHaveLength(2)
  // A limit of the person's own.
  plugin.behaves('note run; exec sleep 60')
  const env = { KUBEGUARD_PLUGIN_TIMEOUT: '1', ACCOUNT: 'other' }
  const late = await home.realKubectl(['get', 'pods'], { env })
  expect(late.stderr).toContain('cloud-login was ended: it took longer than 1 s')
  expect(plugin.runs()).toHaveLength(3)
})

test('a refused answer is not handed to the same client again', async () => {
  const { home, plugin } = await cloudHome()
  await using _ = home
  await home.unlock('default')
  plugin.behaves('note run; [ -e "$folder/good" ] || token=revoked-meanwhile')
  expect(await home.realKubectl(['get', 'pods'])).not.toMatchObject({ code: 0 })
  writeFileSync(join(plugin.program, '..', 'good'), '')
  await until(
    'the answer to be old enough',
    async () => (await home.realKubectl(['get', 'pods'])).code === 0,
    {
      withinMs: 60_000,
    },
  )
})

test('a lock ends the plugin that runs, and the kubectl that waits gets nothing', async () => {
  const { home, plugin } = await cloudHome()
  await using _ = home
  await home.unlock('default')
  plugin.behaves('note "$$ $PPID"; exec sleep 120')
  const running = home.realKubectl(['get', 'pods'])
  const waiting = home.realKubectl(['get', 'pods'])
  const [line] = await until('the run', () => (plugin.runs().length > 0 ? plugin.runs() : undefined))
  await home.lock()
  for (const run of await Promise.all([running, waiting])) expect(run).not.toMatchObject({ code: 0 })
  await until('the end of the plugin', () => pids(line as string).every((pid) => !isRunning(pid)))
})

test('it asks on the terminal, and Ctrl-C is for it and its kubectl alone', async () => {
  const { home, plugin } = await cloudHome()
  await using _ = home
  await home.unlock('default')
  plugin.behaves('printf "code: " >&2; read -r code; note "got $code"')
  const terminal = new TestTerminal('/usr/bin/env', ['kubectl', 'get', 'pods'], home.env)
  await terminal.shows('code: ')
  const waiting = home.kubectl(['get', 'pods'])
  terminal.type('\u0003')
  await terminal.ended()
  terminal.close()
  // Whoever waited has the turn, without a terminal: an empty line for it.
  expect(await waiting).toMatchObject({ code: 0 })
  expect(plugin.runs()).toEqual(['got'])

  const again = new TestTerminal('/usr/bin/env', ['kubectl', 'get', 'pods'], {
    ...home.env,
    ACCOUNT: 'other',
  })
  await again.shows('code: ')
  again.type('123456\n')
  await again.shows('web-0')
  expect(await again.ended()).toBe(0)
  again.close()
  expect(plugin.runs().at(-1)).toBe('got 123456')
})

test('an entry that replaces ours is wrapped again, locked or not', async () => {
  const { home, plugin } = await cloudHome()
  await using _ = home
  const config = parse(readFileSync(home.kubeconfig, 'utf8'))
  const user = config.users.find(({ name }: { name: string }) => name === 'playground')
  user.user.exec = { ...plugin.exec, env: [{ name: 'CLOUD_SECRET', value: 'another-secret' }] }
  await home.kubectl(['get', 'pods'])
  writeFileSync(home.kubeconfig, stringify(config))
  await until(
    'our entry',
    () =>
      readFileSync(home.kubeconfig, 'utf8').includes('- --credential') &&
      !readFileSync(home.kubeconfig, 'utf8').includes('another-secret'),
  )
  plugin.behaves('note "$CLOUD_SECRET"')
  await home.unlock('default')
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 0 })
  expect(plugin.runs()).toEqual(['another-secret'])
})
