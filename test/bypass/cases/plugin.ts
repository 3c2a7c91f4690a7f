import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository, TestTerminal, until } from '../../fixtures/terminal.ts'
import { kubectl } from '../../fixtures/tools.ts'
import { makeHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { runProgram } from '../../fixtures/run-program.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, speak } from '../siege.ts'
import type { Siege } from '../siege.ts'

const pluginOf = ({ home }: Siege): string => join(home.guardHome, 'data', 'bin', 'kubeguard-credential')
const argsOf = ({ credentials }: Siege): string[] => [
  '--policy',
  'default',
  '--credential',
  credentials.default,
]
const isCredential = (text: string): boolean => text.includes('"ExecCredential"')

/** A person who types the plugin's name at their own shell. */
async function byHand(siege: Siege): Promise<boolean> {
  const { uid, gid } = siege.own
  const bash = ['/bin/bash', '--norc', '--noprofile', '-i']
  const account = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups', ...bash]
  const shell = new TestTerminal('/usr/bin/setpriv', account, { ...siege.home.env, PS1: 'ready> ' }, '/')
  try {
    await shell.shows('ready> ')
    shell.type(`KUBEGUARD_PROMPT=never ${pluginOf(siege)} ${argsOf(siege).join(' ')}; echo code=$?\n`)
    await shell.shows(/code=\d+/)
    return isCredential(shell.output)
  } finally {
    shell.close()
  }
}

/** Its parent is gone before it asks. */
async function orphaned(siege: Siege): Promise<boolean> {
  const out = join(siege.home.home, 'orphan')
  const command = `exec >${out} 2>&1; sleep 0.3; ${pluginOf(siege)} ${argsOf(siege).join(' ')}; echo done`
  await siege.home.run('/bin/sh', ['-c', `setsid sh -c '${command}' </dev/null >/dev/null 2>&1 &`])
  const text = await until(
    'the orphan',
    () => existsSync(out) && /done/.test(readFileSync(out, 'utf8')) && readFileSync(out, 'utf8'),
  )
  return isCredential(text)
}

async function otherNamespace(siege: Siege): Promise<boolean> {
  const { uid, gid } = siege.own
  const account = ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups']
  const args = ['--pid', '--fork', ...account, '/usr/bin/python3', '-c', pythonClient(siege)]
  const run = await runProgram('/usr/bin/unshare', args, { cwd: '/', env: siege.home.env })
  if (!/kubeguard:/.test(run.stderr) && !isCredential(run.stdout)) throw new Error(`not tried: ${run.stderr}`)
  return isCredential(run.stdout)
}

/** A client in Python: runs the plugin as client-go would. */
const pythonClient = (siege: Siege): string =>
  `import subprocess; subprocess.run(${JSON.stringify([pluginOf(siege), ...argsOf(siege)])})`

/** Code of the attacker's in every Node process that takes NODE_OPTIONS from the environment. */
async function nodeOptions(siege: Siege): Promise<boolean> {
  const { home } = siege
  const marker = join(home.home, 'marker')
  const evil = join(home.home, 'evil.cjs')
  writeFileSync(
    evil,
    `require('node:fs').appendFileSync(${JSON.stringify(marker)}, process.argv.join(' ') + '\\n')`,
  )
  const env = { NODE_OPTIONS: `--require=${evil}`, LD_PRELOAD: '/nonexistent.so' }
  await home.kubeguard(['daemon', 'stop'])
  await home.kubeguard(['unlock', 'default', '--passphrase-fd', '3'], {
    env,
    fd3: 'correct horse battery staple',
  })
  await home.kubectl(['get', 'pods'], { env: { NODE_OPTIONS: env.NODE_OPTIONS } })
  await home.lock()
  return existsSync(marker)
}

/** An installation of the attacker's own, open, in front of the same kubeconfig. */
async function otherHome(siege: Siege): Promise<boolean> {
  await using forged = makeHome({ account: siege.own })
  writePolicy(forged, { idle: '10m' })
  await forged.init()
  await forged.unlock('default')
  const env = { KUBECONFIG: siege.home.kubeconfig }
  return gotPods(await forged.kubectl(['get', 'pods'], { env }))
}

/** Its own child gets it, once: what was vouched for is real. */
async function misusedVoucher(siege: Siege): Promise<boolean> {
  const { default: own, prod } = siege.credentials
  await siege.home.unlock('default')
  const { stdout } = await speak(siege, 'misuse-voucher', own, prod)
  if (!stdout.includes('once: a credential')) throw new Error(stdout)
  return stdout.includes('GOT')
}

async function voucherOverLock(siege: Siege): Promise<boolean> {
  await siege.home.unlock('default')
  const kubeguard = join(repository, 'bin', 'kubeguard')
  const { stdout } = await speak(siege, 'voucher-over-lock', siege.credentials.default, kubeguard, 'lock')
  if (!/tried|GOT/.test(stdout)) throw new Error(`not tried: ${stdout}`)
  return stdout.includes('GOT')
}

export const pluginCases: readonly BypassCase[] = [
  {
    name: 'the credential plugin called by another client (Python)',
    whileUnlocked: 'works',
    attempt: async (siege) =>
      isCredential((await siege.home.run('/usr/bin/python3', ['-c', pythonClient(siege)])).stdout),
  },
  { name: 'the credential plugin called by hand', whileUnlocked: 'never', attempt: byHand },
  { name: 'the credential plugin, orphaned', whileUnlocked: 'never', attempt: orphaned },
  {
    name: 'the credential plugin from a pid namespace below ours',
    whileUnlocked: 'works',
    attempt: otherNamespace,
  },
  {
    name: 'the credential plugin with another policy’s name',
    whileUnlocked: 'never',
    attempt: async ({ home, credentials }) => {
      const args = ['--policy', 'default', '--credential', credentials.prod]
      const run = await home.run('/usr/bin/python3', [
        '-c',
        `import subprocess; subprocess.run(${JSON.stringify([join(home.guardHome, 'data/bin/kubeguard-credential'), ...args])})`,
      ])
      return isCredential(run.stdout)
    },
  },
  { name: 'forged NODE_OPTIONS and LD_PRELOAD', whileUnlocked: 'never', attempt: nodeOptions },
  { name: 'a forged KUBEGUARD_HOME whose session is open', whileUnlocked: 'works', attempt: otherHome },
  {
    name: 'the daemon’s socket spoken to directly',
    whileUnlocked: 'works',
    attempt: async (siege) =>
      (await speak(siege, 'issue', 'default', siege.credentials.default)).stdout.includes('GOT'),
  },
  {
    name: 'an old protocol version, and a request sent twice in one write',
    whileUnlocked: 'never',
    attempt: async (siege) => {
      const { stdout } = await speak(siege, 'raw-frames', 'default', siege.credentials.default)
      if (!stdout.includes('spoken')) throw new Error(stdout)
      return stdout.includes('GOT')
    },
  },
  {
    name: 'a guessed ticket at the keeper, sent early',
    whileUnlocked: 'never',
    attempt: async (siege) => (await speak(siege, 'guess-ticket')).stdout.includes('GOT'),
  },
  {
    name: 'a ticket used twice',
    whileUnlocked: 'own',
    attempt: async (siege) => {
      await siege.home.unlock('default')
      const { stdout } = await speak(siege, 'ticket-twice', 'default', siege.credentials.default)
      if (!stdout.includes('once')) throw new Error(stdout)
      return stdout.includes('GOT TWICE')
    },
  },
  {
    name: 'what the gate vouched for, used by another process, for another credential, or twice',
    whileUnlocked: 'own',
    attempt: misusedVoucher,
  },
  {
    name: 'what the gate vouched for, used after the lock by a client that ignores TERM',
    whileUnlocked: 'own',
    attempt: voucherOverLock,
  },
  {
    name: 'the fetched real kubectl under a name of its own',
    whileUnlocked: 'works',
    attempt: async ({ home }) => {
      const renamed = join(home.home, 'not-kubectl')
      await home.run('/bin/ln', ['-sf', kubectl(), renamed])
      return gotPods(await home.run(renamed, ['get', 'pods']))
    },
  },
]
