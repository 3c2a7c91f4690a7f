import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { good } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { helm } from '../../fixtures/tools.ts'
import type { BypassCase } from '../bypass-case.ts'
import { outlives, plant } from '../outlive.ts'
import type { Stream } from '../outlive.ts'
import { askingClient, pluginLine, pythonClient } from '../python-client.ts'
import type { Siege } from '../siege.ts'

/** Clients in the midst of families: what they start, and what starts them. */

/** As daemon(3) and its like do it: two forks, a session of its own between them, and nobody left above. */
const forksTwice = `use POSIX; fork and exit; POSIX::setsid(); fork and exit; exec @ARGV`
const sleeps = `exec web-0 -- sh -c 'echo works; sleep 600'`
/** 2^7 leaves and as many processes above them, none of which obeys TERM. */
const bomb = `#!/bin/bash
grow() {
  trap '' TERM
  [ "$1" -gt 0 ] || echo leaf
  for _ in 1 2; do [ "$1" -gt 0 ] && grow $(($1 - 1)) & done
  while :; do sleep 600; done
}
grow 7
`
/** An upgrade whose last step never ends, once the first has changed something. */
const chart = {
  'chart/Chart.yaml': 'apiVersion: v2\nname: bypass\nversion: 1.0.0\n',
  'chart/templates/all.yaml': `apiVersion: v1
kind: ConfigMap
metadata: { name: bypass-chart }
data: { key: "{{ .Values.key }}" }
---
apiVersion: v1
kind: Pod
metadata:
  name: bypass-chart
  annotations: { helm.sh/hook: post-upgrade }
spec: { containers: [{ name: main, image: none }] }
`,
}
const upgradeName = '`helm` in the midst of an upgrade on a terminal'
const upgraded = `[ "$(kubectl get configmap bypass-chart -o jsonpath={.data.key})" = two ]`
const files = {
  ...chart,
  'kubectl-twice': `#!/bin/sh\nperl -e '${forksTwice}' kubectl ${sleeps}\n`,
  'kubectl-bomb': bomb,
  'extension.py': askingClient,
  'provider.py': pythonClient,
}

const families: Readonly<Record<string, (siege: Siege) => Omit<Stream, 'name'>>> = {
  '`kubectl exec` by a program that forked twice': () => ({
    line: `perl -e '${forksTwice}' kubectl ${sleeps} >OUT 2>&1`,
    on: 'pipes',
    works: /works/,
  }),
  '`kubectl exec` forked twice by a kubectl plugin that has ended': () => ({
    line: `PATH=$PATH:. kubectl twice >OUT 2>&1`,
    on: 'terminal',
    works: /works/,
  }),
  'a kubectl plugin that became more than two hundred processes, which ignore TERM': () => ({
    line: `PATH=$PATH:. kubectl bomb >OUT 2>&1`,
    on: 'pipes',
    works: /(leaf\n){128}/,
    ends: /./,
    afterwards: async (pids) => {
      if (pids.length < 200) throw new Error(`no more than ${pids.length} processes`)
    },
  }),
  'a provider that a terraform-like parent on a terminal has started': (siege) => ({
    line: `perl -e 'system @ARGV; sleep 600' /usr/bin/python3 provider.py ${siege.server} ${pluginLine(siege)} >OUT 2>&1`,
    on: 'terminal',
    works: /works\n(.*\n)*works/,
  }),
}

/** What helm has put into the cluster is taken away again. */
async function upgradeOutlives(siege: Siege): Promise<boolean> {
  const { home } = siege
  plant(siege, files)
  await home.unlock('default')
  good(await home.run(helm(), ['install', 'bypass', 'chart']))
  try {
    return await outlives(siege, {
      name: upgradeName,
      line: `(until ${upgraded}; do sleep 0.2; done; echo works >OUT) & ${helm()} upgrade bypass chart --set key=two`,
      on: 'terminal',
      works: /works/,
      ends: /(^|\/)helm$/,
    })
  } finally {
    await home.unlock('default')
    good(await home.run(helm(), ['uninstall', 'bypass']))
    good(await home.kubectl(['delete', 'pod', 'bypass-chart', '--ignore-not-found', '--wait=false']))
  }
}

/** A client without a terminal is left to run by default: is it served once more? */
async function asksAfterLock(siege: Siege): Promise<boolean> {
  const { home } = siege
  const log = join(home.home, 'extension.log')
  const answers = (): string[] => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])
  plant(siege, files)
  await home.unlock('default')
  home.start('/usr/bin/setsid', ['sh', '-c', `exec python3 extension.py ${pluginLine(siege)} >extension.log`])
  await until('an answer while unlocked', () => answers().includes('served'))
  await home.lock()
  // One may have been on its way.
  const from = answers().length + 1
  await until('more answers', () => answers().length > from + 2)
  return answers().slice(from).includes('served')
}

export const familyCases: readonly BypassCase[] = [
  ...Object.entries(families).map(([name, of]) => ({
    name,
    whileUnlocked: 'own' as const,
    attempt: (siege: Siege) => (plant(siege, files), outlives(siege, { name, ...of(siege) })),
  })),
  { name: upgradeName, whileUnlocked: 'own', attempt: upgradeOutlives },
  {
    name: 'an IDE-like client without a terminal that asks again after the lock',
    whileUnlocked: 'own',
    attempt: asksAfterLock,
  },
]
