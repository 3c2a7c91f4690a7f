import { readFileSync, writeFileSync } from 'node:fs'
import { gatewayEntry, pidsOf } from '../../e2e/gateway/gateway-home.ts'
import { PythonClient } from '../../e2e/gateway/python-client.ts'
import { isRunning, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import type { Account, Run } from '../../fixtures/run-program.ts'
import { until } from '../../fixtures/terminal.ts'
import { startTlsServer } from '../../fixtures/tls-server.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods } from '../siege.ts'
import type { Siege } from '../siege.ts'

const context = ['--context', 'prod-playground']

/** An installation of the attacked account behind a gateway; unlocked. */
async function openHome({ own }: Siege, more = ''): Promise<TestHome> {
  const home = makeHome({ account: own })
  writePolicy(home, { idle: '10m', more: `    access: gateway\n${more}` })
  await home.startPlayground()
  await home.init()
  await home.unlock('prod')
  return home
}

/** One request with somebody else's pass. */
function useAs(account: Account, home: TestHome, pass: string): Promise<Run> {
  const { url, caPem } = gatewayEntry(home)
  const script = [
    'import ssl, sys, urllib.request as u',
    `context = ssl.create_default_context(cadata=${JSON.stringify(caPem)})`,
    `request = u.Request(${JSON.stringify(`${url}/api/v1/pods`)}, headers={"Authorization": "Bearer " + sys.argv[1]})`,
    'print(u.urlopen(request, context=context).read())',
  ].join('\n')
  return runProgram('/usr/bin/python3', ['-c', script, pass], {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    account,
  })
}

/** @throws Error where what must work does not: then nothing is shown by a failure. */
function must(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`not even while unlocked: ${what}`)
}

const copiedPass =
  (whose: 'own' | 'other') =>
  async (siege: Siege): Promise<boolean> => {
    await using home = await openHome(siege)
    const client = new PythonClient(home)
    try {
      const pass = await client.pass()
      must((await client.again()).startsWith('200'), 'the client itself')
      return (await useAs(siege[whose], home, pass)).stdout.includes('PodList')
    } finally {
      client.end()
    }
  }

/** The pass of a client that runs on, after the lock and in the next session. */
async function oldPass(siege: Siege): Promise<boolean> {
  await using home = await openHome(siege)
  const client = new PythonClient(home)
  try {
    await client.pass()
    must((await client.again()).startsWith('200'), 'the client itself')
    await home.lock()
    const locked = await client.again()
    await home.unlock('prod')
    return [locked, await client.again()].some((line) => line.startsWith('200'))
  } finally {
    client.end()
  }
}

/** While locked the kubeconfig is made to say that the cluster behind the gateway is the attacker's. */
async function movedCluster(siege: Siege): Promise<boolean> {
  await using home = await openHome(siege)
  must(gotPods(await home.kubectl(['get', 'pods', ...context])), 'kubectl')
  await home.lock()
  const trap = await startTlsServer()
  const heard: (string | undefined)[] = []
  trap.server.on('request', (request, response) => {
    heard.push(request.headers.authorization)
    response.end('{}')
  })
  try {
    const text = readFileSync(home.kubeconfig, 'utf8')
    const [, real = ''] = /name: playground\n\s+cluster:\n\s+server: (\S+)/.exec(text) ?? []
    writeFileSync(home.kubeconfig, text.replace(real, trap.address.replace('localhost', '127.0.0.1')))
    await home.unlock('prod')
    must(gotPods(await home.kubectl(['get', 'pods', ...context])), 'kubectl, before the cluster that it was')
    return heard.length > 0
  } finally {
    await trap.close()
  }
}

/** As a user writes it, in force when this resolves. */
async function changeAccess(home: TestHome, access: 'plugin' | 'gateway'): Promise<void> {
  writePolicy(home, { idle: '10m', more: `    access: ${access}\n` })
  await until('the new rules', async () => {
    const { stdout } = await home.kubeguard(['policy', 'explain', 'prod-playground'])
    return new RegExp(`access +${access}`).test(stdout)
  })
}

/** Adopted for the plugin, it is made to lead to the attacker; then its owner moves it behind the gateway, and works on. */
async function movedBeforeMove({ own }: Siege): Promise<boolean> {
  await using home = makeHome({ account: own })
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  await home.unlock('prod')
  must(gotPods(await home.kubectl(['get', 'pods', ...context])), 'kubectl')
  await home.lock()
  const trap = await startTlsServer()
  const heard: unknown[] = []
  trap.server.on('secureConnection', (socket) => heard.push(socket))
  try {
    const text = readFileSync(home.kubeconfig, 'utf8')
    const [, real = ''] = /\n\s+server: (\S+)/.exec(text) ?? []
    writeFileSync(
      home.kubeconfig,
      text
        .replace(real, trap.address.replace('localhost', '127.0.0.1'))
        .replace(/certificate-authority-data: \S+/, 'insecure-skip-tls-verify: true'),
    )
    await changeAccess(home, 'gateway')
    const moved = await home.kubeguard(['adopt', '--yes', '--passphrase-fd', '3'], { fd3: passphrase })
    must(moved.stderr.includes('is not where it led'), `it is seen: ${moved.stderr}`)
    await home.unlock('prod')
    await home.kubectl(['get', 'pods', ...context])
    return heard.length > 0
  } finally {
    await trap.close()
  }
}

/** Nobody who can write the policy file takes a credential out from behind its gateway. */
async function loosenedLine(siege: Siege): Promise<boolean> {
  await using home = await openHome(siege)
  await home.lock()
  await changeAccess(home, 'plugin')
  await home.kubeguard(['adopt', '--yes'])
  await home.kubeguard(['adopt', '--yes', '--passphrase-fd', '3'], { fd3: 'a guess that is wrong' })
  await home.unlock('prod')
  const client = new PythonClient(home)
  try {
    return !(await client.pass()).startsWith('kgp_')
  } finally {
    client.end()
  }
}

/** Stopped, so that it hears of no lock; then daemon and keeper are killed, and it is let go on. */
async function stoppedGateway(siege: Siege): Promise<boolean> {
  await using home = await openHome(siege)
  const client = new PythonClient(home)
  try {
    await client.pass()
    must((await client.again()).startsWith('200'), 'the client itself')
    const [gateway] = pidsOf(home, 'gateway') as [number]
    process.kill(gateway, 'SIGSTOP')
    const killed = [...pidsOf(home, 'daemon'), ...pidsOf(home, 'keeper')]
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    await until('their end', () => killed.every((pid) => !isRunning(pid)))
    try {
      process.kill(gateway, 'SIGCONT')
    } catch {
      // It was quicker.
    }
    const line = await client.again()
    await until('its end', () => !isRunning(gateway))
    return line.startsWith('200')
  } finally {
    client.end()
  }
}

async function memory(siege: Siege): Promise<boolean> {
  await using home = await openHome(siege)
  must(gotPods(await home.kubectl(['get', 'pods', ...context])), 'kubectl')
  const [gateway] = pidsOf(home, 'gateway') as [number]
  const places = ['mem', 'environ', 'maps', 'fd/3'].map((name) => `/proc/${gateway}/${name}`)
  const runs = await Promise.all(
    [siege.own, siege.other].flatMap((account) =>
      places.map((place) =>
        runProgram('/usr/bin/head', ['-c1', place], { cwd: '/', env: { PATH: '/usr/bin' }, account }),
      ),
    ),
  )
  return runs.some(({ code }) => code === 0)
}

/** What `deny` is against, spelled in other ways. */
async function otherSpelling(siege: Siege): Promise<boolean> {
  const rule = '    deny: [{verbs: [delete], resources: [configmaps]}]\n'
  await using home = await openHome(siege, rule)
  const made = await home.kubectl(['create', 'configmap', 'victim', ...context])
  must(made.code === 0, made.stderr)
  const path = '/api/v1/namespaces/default/configmaps/victim'
  const spelled = [
    path,
    `${path}/`,
    path.replace('configmaps', 'config%6Daps'),
    path.replace('configmaps', '%63onfigmaps'),
    path.replace('/configmaps', '%2Fconfigmaps'),
    path.replace('/configmaps', '//configmaps'),
    path.replace('/configmaps', '/./configmaps'),
    path.replace('/configmaps', '/pods/../configmaps'),
    '/api/v1/namespaces/default/configmaps',
  ]
  for (const way of spelled) await home.kubectl(['delete', '--raw', way, ...context])
  await home.kubectl(['delete', 'configmap', 'victim', ...context])
  const left = await home.kubectl(['get', 'configmap', 'victim', ...context])
  return left.code !== 0
}

/** So many requests, and no two alike, that what was decided before is not to be found any more. */
async function flood(siege: Siege): Promise<boolean> {
  await using home = await openHome(siege)
  const client = new PythonClient(home)
  try {
    await client.pass()
    const unlocked = await home.kubeguard(['log', '--event', 'unlocked'])
    must(unlocked.stdout.includes('prod'), 'the unlock’s entry')
    const answers = await client.flood(1_500)
    must(answers.startsWith('404'), `a flood: ${answers}`)
    const after = await home.kubeguard(['log', '--event', 'unlocked'])
    const noted = await home.kubeguard(['log', '--requests', '--json'])
    must(noted.stdout.includes('none-0'), 'requests are noted')
    return after.stdout !== unlocked.stdout
  } finally {
    client.end()
  }
}

/** As whom the API server would take it, or as who the credential is, without the policy’s leave. */
async function somebodyElse(siege: Siege): Promise<boolean> {
  await using home = await openHome(siege)
  must(gotPods(await home.kubectl(['get', 'pods', ...context])), 'kubectl')
  const runs = await Promise.all(
    [['--as=root'], ['--as=root', '--as-group=system:masters'], ['--as=root', '--as-uid=0']].map((as) =>
      home.kubectl(['get', 'pods', ...as, ...context]),
    ),
  )
  return runs.some(({ code }) => code === 0)
}

export const gatewayCases: readonly BypassCase[] = [
  {
    name: 'a pass that another process of the account has copied',
    whileUnlocked: 'own',
    attempt: copiedPass('own'),
  },
  { name: 'a pass in the hands of another account', whileUnlocked: 'own', attempt: copiedPass('other') },
  { name: 'a pass from before the lock', whileUnlocked: 'own', attempt: oldPass },
  {
    name: 'a cluster that was made to lead elsewhere while locked, so that the gateway sends the credential there',
    whileUnlocked: 'own',
    attempt: movedCluster,
  },
  {
    name: 'a cluster that was made to lead elsewhere before its credential is moved behind a gateway',
    whileUnlocked: 'own',
    attempt: movedBeforeMove,
  },
  {
    name: 'the line `access: plugin` in the policy file, and `adopt` without the passphrase',
    whileUnlocked: 'own',
    attempt: loosenedLine,
  },
  {
    name: 'a gateway that was stopped while daemon and keeper were killed',
    whileUnlocked: 'own',
    attempt: stoppedGateway,
  },
  {
    name: 'a request as somebody else, where the policy does not say `impersonate: allow`',
    whileUnlocked: 'own',
    attempt: somebodyElse,
  },
  {
    name: 'thousands of requests, to push an unlock out of the journal',
    whileUnlocked: 'own',
    attempt: flood,
  },
  { name: 'memory, environment and descriptors of the gateway', whileUnlocked: 'own', attempt: memory },
  { name: 'what `deny` is against, spelled in another way', whileUnlocked: 'own', attempt: otherSpelling },
]
