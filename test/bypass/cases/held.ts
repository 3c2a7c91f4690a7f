import { chownSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { askingJob, enterAsPerson, nextAnswer, reaches, sessionOf } from '../../fixtures/held-home.ts'
import { isRunning } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import type { Person } from '../../fixtures/person.ts'
import { until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, laySiege } from '../siege.ts'
import type { Siege } from '../siege.ts'

const word = /may run until/

/** A siege with a limit of seconds, of the case's own, and a person at a terminal of it. */
async function withPerson(
  attack: (siege: Siege, person: Person) => Promise<boolean>,
  rules: Parameters<typeof laySiege>[0] = { idle: '4s' },
): Promise<boolean> {
  const siege = await laySiege(rules)
  try {
    using person = await personIn(siege.home)
    await siege.home.unlock('default')
    return await attack(siege, person)
  } finally {
    await siege.lift()
  }
}

function plant({ home, own }: Siege, name: string, text: string): string {
  const path = join(home.home, name)
  writeFileSync(path, text, { mode: 0o755 })
  chownSync(path, own.uid, own.gid)
  return path
}

const textOf = ({ home }: Siege, name: string): string =>
  existsSync(join(home.home, name)) ? readFileSync(join(home.home, name), 'utf8') : ''

/** What the plugin says to a Python client. */
const askingPlugin = ({ home, credentials }: Siege): string =>
  JSON.stringify([
    join(home.guardHome, 'data/bin/kubeguard-credential'),
    '--policy',
    'default',
    '--credential',
    credentials.default,
  ])

/** A job is held and served; did anybody else get in? */
async function besideJob(siege: Siege, person: Person): Promise<boolean> {
  const { home } = siege
  const job = askingJob(home, 'job')
  await enterAsPerson(person, 'kubeguard hold 5m -- ./job', word)
  await reaches(home, 'held')
  if ((await nextAnswer(job.log)) !== 'served') throw new Error('the job itself is not served')
  const python = `import subprocess; subprocess.run(${askingPlugin(siege)})`
  const runs = await Promise.all([
    home.kubectl(['get', 'pods']),
    home.realKubectl(['get', 'pods']),
    home.run('/usr/bin/python3', ['-c', python]),
  ])
  if ((await nextAnswer(job.log)) !== 'served') throw new Error('the job itself is not served')
  return runs.some((run) => gotPods(run) || run.stdout.includes('ExecCredential'))
}

/**
 * From within the job, so with its terminal, session, process group, environment and name, but of no parent of
 * it any more: the orphan asks once the session is held.
 */
async function orphanOfJob(siege: Siege, person: Person): Promise<boolean> {
  const { home } = siege
  plant(
    siege,
    'orphan',
    '#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.2; done\nKUBEGUARD_PROMPT=never kubectl get pods >orphaned 2>&1; echo $? >done\n',
  )
  plant(
    siege,
    'job',
    '#!/bin/sh\n(bash -c "exec -a job sh ./orphan" &)\nwhile :; do kubectl get pods >served 2>&1; sleep 0.5; done\n',
  )
  await enterAsPerson(person, 'kubeguard hold 5m -- ./job', word)
  await reaches(home, 'held')
  plant(siege, 'go', '')
  await until('the orphan’s answer', () => textOf(siege, 'done') !== '')
  await until('the job to be served', () => textOf(siege, 'served').includes('Running'))
  return textOf(siege, 'orphaned').includes('Running')
}

/** Somebody sits down at the shell that a held job has opened. */
async function shellBelowJob(siege: Siege, person: Person): Promise<boolean> {
  const { home } = siege
  plant(siege, 'job', '#!/bin/sh\nkubectl get pods\nPS1="below> " bash --norc --noprofile -i\n')
  const shown = await enterAsPerson(person, 'kubeguard hold 5m -- ./job', /below> $/)
  if (!shown.includes('Running')) throw new Error(`the job itself is not served\n${shown}`)
  await reaches(home, 'held')
  const answer = await person.answer('KUBEGUARD_PROMPT=never kubectl get pods; echo "co"de', 'code\r\n')
  return answer.includes('Running')
}

/** By a lock, then by the lifetime: is the job served, or its stream alive, after either? */
async function jobOutlivesLock(siege: Siege, person: Person): Promise<boolean> {
  const { home } = siege
  const job = askingJob(home, 'job')
  plant(siege, 'both', '#!/bin/sh\nkubectl exec web-0 -- sleep 600 & ./job\n')
  const start = async (): Promise<number> => {
    await enterAsPerson(person, 'kubeguard hold 1h -- ./both', word)
    const { live } = await reaches(home, 'held')
    if ((await nextAnswer(job.log)) !== 'served') throw new Error('the job itself is not served')
    return live.find(({ command }) => command.startsWith('kubectl exec'))?.pid ?? 0
  }
  const survives = async (stream: number): Promise<boolean> =>
    (await nextAnswer(job.log)) === 'served' || isRunning(stream)
  const first = await start()
  await home.lock()
  const overLock = await survives(first)
  person.type('\x03')
  await home.unlock('default', '--for', '20s')
  const second = await start()
  await reaches(home, 'locked')
  return overLock || (await survives(second))
}

/** No person: no terminal, the background, and terminals at which nobody has typed. */
async function wordOfNobody({ home }: Siege, person: Person): Promise<boolean> {
  await enterAsPerson(person, 'kubeguard extend', /stays unlocked/)
  const kubeguard = '"$KUBEGUARD"'
  const tries = ['extend', 'hold 5m -- true', `hold 5m ${process.pid}`].flatMap((words) => [
    `${kubeguard} ${words}`,
    `setsid ${kubeguard} ${words}`,
    // Its input stays open meanwhile: at its end script sends a Ctrl-D, which is a key.
    `sleep 8 | script -qec '${kubeguard} ${words}' /dev/null`,
    `sleep 8 | script -qec 'touch -a -d @$(($(date +%s) - 1)) $(tty); ${kubeguard} ${words}' /dev/null`,
  ])
  const env = { KUBEGUARD: join(process.cwd(), 'bin', 'kubeguard'), KUBEGUARD_PROMPT: 'never' }
  const runs = await Promise.all(
    tries.map((line) => home.run('/bin/sh', ['-c', line], { env, timeoutMs: 60_000 })),
  )
  return runs.some((run) => /stays unlocked|may run until/.test(run.stdout + run.stderr))
}

/** Programs that call themselves helm, and a kubectl whose operand is a writing verb, over the idle lock. */
async function pretendsToWrite(siege: Siege, person: Person): Promise<boolean> {
  const { home, own } = siege
  const client = `import subprocess, time
while True:
    run = subprocess.run(${askingPlugin(siege)}, capture_output=True, text=True)
    open(__file__ + '.log', 'a').write('served\\n' if 'ExecCredential' in run.stdout else 'refused\\n')
    time.sleep(0.3)
`
  plant(siege, 'upgrade', client)
  plant(siege, 'apply', client)
  copyFileSync('/usr/bin/python3', join(home.home, 'helm'))
  chownSync(join(home.home, 'helm'), own.uid, own.gid)
  person.type(
    '(exec -a helm python3 upgrade) & ./helm apply & kubectl exec web-0 -- sh -c "sleep 600" apply &\r',
  )
  const log = (name: string): string[] => textOf(siege, name).trim().split('\n')
  const stream = await until('all three', async () => {
    const served = ['upgrade.log', 'apply.log'].every((name) => log(name).includes('served'))
    return served && (await sessionOf(home)).live.find(({ command }) => command.startsWith('kubectl exec'))
  })
  await until('the lock', async () => (await sessionOf(home)).state !== 'unlocked', { withinMs: 40_000 })
  const at = log('apply.log').length
  const gone = until('their end', () => !isRunning(stream.pid), { withinMs: 5_000 }).then(
    () => false,
    () => true,
  )
  const streamsOn = await gone
  return (
    streamsOn ||
    ['upgrade.log', 'apply.log'].some((name) =>
      log(name)
        .slice(at + 1)
        .includes('served'),
    )
  )
}

/** The vault of a locked policy in the place of the one that is unlocked next, under the one passphrase. */
async function vaultInItsPlace(siege: Siege): Promise<boolean> {
  const { home } = siege
  const vaults = join(home.guardHome, 'state', 'vaults')
  await home.lock()
  await home.run('/bin/sh', [
    '-c',
    `cp -a ${vaults}/default ${vaults}/kept && rm -r ${vaults}/default/* && cp -a ${vaults}/prod/* ${vaults}/default/`,
  ])
  await home.unlock('default').catch(() => undefined)
  return inProd(siege)
}

const prodPods = ['--context', 'prod-playground', 'get', 'pods']

async function inProd({ home }: Siege): Promise<boolean> {
  return gotPods(await home.realKubectl(prodPods)) || gotPods(await home.kubectl(prodPods))
}

/** Everything of one policy is open; its names in kubeconfig are put where the other's were. */
async function namesSwapped(siege: Siege): Promise<boolean> {
  const { home, own, credentials } = siege
  const forged = join(home.home, 'forged')
  const text = readFileSync(home.kubeconfig, 'utf8')
  for (const [from, to] of [
    ['- prod\n', '- default\n'],
    [credentials.prod, credentials.default.replace(/^default/, 'prod')],
  ] as const) {
    writeFileSync(forged, text.replaceAll(from, to))
    chownSync(forged, own.uid, own.gid)
    if (gotPods(await home.realKubectl(prodPods, { env: { KUBECONFIG: forged } }))) return true
  }
  return false
}

export const heldCases: readonly BypassCase[] = [
  { name: 'another process beside a held job', whileUnlocked: 'own', attempt: () => withPerson(besideJob) },
  {
    name: 'an orphan of a held job, with its name, terminal, session and process group',
    whileUnlocked: 'own',
    attempt: () => withPerson(orphanOfJob),
  },
  {
    name: 'a person in a shell below a held job',
    whileUnlocked: 'own',
    attempt: () => withPerson(shellBelowJob),
  },
  {
    name: 'a held job, and what it streams, after `kubeguard lock` and after the lifetime',
    whileUnlocked: 'own',
    attempt: () => withPerson(jobOutlivesLock),
  },
  {
    name: '`hold` and `extend` without a person: no terminal, `setsid`, `script`, a terminal touched',
    whileUnlocked: 'own',
    attempt: () => withPerson(wordOfNobody, { idle: '10m' }),
  },
  {
    name: '`finish` claimed by what is no writer: a program named helm, a verb among the arguments',
    whileUnlocked: 'own',
    attempt: () => withPerson(pretendsToWrite, { idle: '4s', more: '    finish: 1m\n' }),
  },
]

/** While one policy is open and another is locked. */
export const manySessionsCases: readonly BypassCase[] = [
  {
    name: 'the vault of a locked policy in the place of another that is unlocked then',
    whileUnlocked: 'own',
    attempt: () =>
      withPerson(
        async (siege) => {
          await siege.home.unlock('prod')
          if (!(await inProd(siege))) throw new Error('not even while unlocked')
          return vaultInItsPlace(siege)
        },
        { idle: '10m' },
      ),
  },
  {
    name: 'a kubeconfig that names the policy, or the credential, of an open session for a locked one',
    whileUnlocked: 'own',
    attempt: () =>
      withPerson(
        async (siege) => {
          await siege.home.unlock('prod')
          if (!(await inProd(siege))) throw new Error('not even while unlocked')
          await siege.home.lock('prod')
          return namesSwapped(siege)
        },
        { idle: '10m' },
      ),
  },
]
