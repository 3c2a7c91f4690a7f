import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { isRunning } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { until } from '../../fixtures/terminal.ts'
import { enterAsPerson, guardedHome, reaches, sessionOf } from '../../fixtures/held-home.ts'

const configMap = (name: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {key: value}\n`

/** A client that fetches its credential again and again, and notes what came of it. */
const client = (home: TestHome): string => `
import subprocess, sys, time
log = open(sys.argv[1], 'a')
while True:
    run = subprocess.run(sys.argv[2:], capture_output=True, text=True)
    print('served' if 'ExecCredential' in run.stdout else 'refused', file=log, flush=True)
    time.sleep(0.3)
# ${home.home}
`

test('a writer finishes over an idle lock, served alone; a reader is ended', async () => {
  await using home = await guardedHome({ idle: '4s', more: '    finish: 25s\n' })
  await home.unlock('default')
  writeFileSync(join(home.home, 'one.yaml'), configMap('one'))
  writeFileSync(join(home.home, 'two.yaml'), configMap('two'))
  // Its second half comes when the session is locked already.
  const fed = `(cat one.yaml; echo ---; while [ ! -e go ]; do sleep 0.2; done; cat two.yaml) | kubectl apply -f - >applied 2>&1; echo $? >code`
  home.start('/bin/sh', ['-c', fed])
  home.start('/usr/bin/env', ['kubectl', 'get', 'pods', '-w'])
  const clients = await until('both clients', async () => {
    const { live } = await sessionOf(home)
    return live.length >= 2 && live
  })
  const reader = clients.find(({ command }) => command.startsWith('kubectl get'))?.pid ?? 0
  expect(clients.find(({ command }) => command.startsWith('kubectl apply'))?.fate).toBe('held')
  const held = await reaches(home, 'held')
  expect(held.holds).toMatchObject([{ kind: 'finish', program: 'kubectl' }])
  expect(held.heldLeftMs).toBeLessThanOrEqual(25_000)
  await until('the end of the reader', () => !isRunning(reader))
  expect((await home.kubectl(['get', 'pods'])).code).toBe(77)
  writeFileSync(join(home.home, 'go'), '')
  await until('the end of the writer', () => existsSync(join(home.home, 'code')))
  expect(readFileSync(join(home.home, 'applied'), 'utf8')).toMatch(/two created/)
  expect((await reaches(home, 'locked')).lockReason).toBe('idle')
})

test('a writer’s credential is renewed for itself alone, and no longer than `finish`', async () => {
  await using home = await guardedHome({ idle: '4s', more: '    finish: 12s\n' })
  const credential = /- (default\.\S+)/.exec(readFileSync(home.kubeconfig, 'utf8'))?.[1] ?? ''
  const plugin = [
    join(home.guardHome, 'data/bin/kubeguard-credential'),
    '--policy',
    'default',
    '--credential',
    credential,
  ]
  copyFileSync('/usr/bin/python3', join(home.home, 'helm'))
  writeFileSync(join(home.home, 'upgrade'), client(home))
  await home.unlock('default')
  const start = (program: string, log: string): number =>
    home.start('/bin/bash', ['-c', `exec ${program} upgrade ${log} ${plugin.join(' ')}`])
  const writer = start('-a helm ./helm', 'writer.log')
  // What says that it is one, and is not: its name is chosen, its executable is not.
  const pretender = start('-a helm /usr/bin/python3', 'pretender.log')
  const log = (name: string): string[] =>
    existsSync(join(home.home, name)) ? readFileSync(join(home.home, name), 'utf8').trim().split('\n') : []
  await until('both at work', () =>
    [log('writer.log'), log('pretender.log')].every((lines) => lines.includes('served')),
  )
  await reaches(home, 'held')
  const before = log('pretender.log').length + 1
  await until('more answers', () => log('pretender.log').length > before + 2)
  expect(log('pretender.log').slice(before)).not.toContain('served')
  expect(log('writer.log').slice(-3)).toEqual(['served', 'served', 'served'])
  await reaches(home, 'locked')
  await until('the refusal of the writer', () => log('writer.log').at(-1) === 'refused')
  expect([writer, pretender].every((pid) => pid > 0)).toBe(true)
})

test('extend counts as typing at its terminal, and a loop around it keeps nothing open', async () => {
  await using home = await guardedHome({ idle: '20s' })
  using person = await personIn(home)
  await home.unlock('default')
  await sleep(6_000)
  const before = (await sessionOf(home)).idleLeftMs ?? 0
  const said = await enterAsPerson(person, 'kubeguard extend', /default stays unlocked for \d+s/)
  expect(said).toMatch(/stays unlocked for (1\d|20)s/)
  expect((await sessionOf(home)).idleLeftMs).toBeGreaterThan(before)
  person.type('while kubeguard extend 2>&1; do sleep 1; done; echo "ov"er\r')
  const { lockReason } = await reaches(home, 'locked', 60_000)
  expect(lockReason).toBe('idle')
  await person.showsAfter(0, /over\r\n/)
})
