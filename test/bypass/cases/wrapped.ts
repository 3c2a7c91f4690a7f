import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { useCloudPlugin } from '../../fixtures/cloud-plugin.ts'
import type { CloudPlugin } from '../../fixtures/cloud-plugin.ts'
import { isRunning, makeHome } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import type { Run } from '../../fixtures/run-program.ts'
import { node, repository, until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { execOf } from '../../e2e/plugin/exec-user.ts'
import type { Siege } from '../siege.ts'

/** An installation of the attacked account whose user has an exec plugin of somebody else's; unlocked. */
class Cloud {
  readonly home: TestHome
  readonly plugin: CloudPlugin

  private constructor(home: TestHome, plugin: CloudPlugin) {
    this.home = home
    this.plugin = plugin
  }

  static async open({ own }: Siege): Promise<Cloud> {
    const home = makeHome({ account: own })
    writePolicy(home, { idle: '10m' })
    await home.startPlayground()
    const plugin = useCloudPlugin(home)
    await home.init()
    await home.unlock('default')
    return new Cloud(home, plugin)
  }

  /** Asks as a client would, with whatever program may be one. */
  ask(env: NodeJS.ProcessEnv = {}): Promise<Run> {
    const { command, args } = execOf(this.home.kubeconfig, 'playground')
    const script = `import subprocess; subprocess.run(${JSON.stringify([command, ...args])})`
    return this.home.run('/usr/bin/python3', ['-c', script], { env: { KUBEGUARD_PROMPT: 'never', ...env } })
  }

  get credential(): string {
    return execOf(this.home.kubeconfig, 'playground').args.at(-1) as string
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.home.dispose()
  }
}

/** @throws Error where what must work while unlocked does not: then nothing is shown by a failure. */
function mustHave(run: Run, token: string): void {
  if (!run.stdout.includes(token)) throw new Error(`not even while unlocked: ${run.stderr}`)
}

async function whileLocked(siege: Siege): Promise<boolean> {
  await using cloud = await Cloud.open(siege)
  const { plugin, home } = cloud
  mustHave(await cloud.ask(), plugin.token)
  await home.lock()
  const runs = plugin.runs().length
  const run = await cloud.ask()
  const direct = await home.realKubectl(['get', 'pods'])
  return run.stdout.includes(plugin.token) || direct.code === 0 || plugin.runs().length > runs
}

async function otherEnvironment(siege: Siege): Promise<boolean> {
  await using cloud = await Cloud.open(siege)
  cloud.plugin.behaves('token="token-of-$ACCOUNT"')
  mustHave(await cloud.ask({ ACCOUNT: 'alice' }), 'token-of-alice')
  mustHave(await cloud.ask({ ACCOUNT: 'bob' }), 'token-of-bob')
  const others = [{}, { ACCOUNT: '' }, { ACCOUNT: 'alice2' }, { ACCOUNT: 'alice', HOME: '/' }]
  const runs = await Promise.all(others.map((env) => cloud.ask(env)))
  await cloud.home.lock()
  return runs.slice(0, 3).some(({ stdout }) => /token-of-(alice|bob)"/.test(stdout))
}

async function forgedAnswer(siege: Siege): Promise<boolean> {
  await using cloud = await Cloud.open(siege)
  const { home, plugin } = cloud
  const held = join(home.home, 'hold')
  writeFileSync(held, '')
  plugin.behaves(`note run; while [ -e '${held}' ]; do sleep 0.05; done`)
  // Somebody runs it in the very environment that the attacker speaks from: the turn is taken.
  const running = cloud.ask()
  await until('the run', () => plugin.runs().length > 0)
  const speaker = join(repository, 'test', 'bypass', 'speak.ts')
  const { stdout } = await home.run(node, [speaker, 'forge-answer', 'default', cloud.credential], {
    env: { KUBEGUARD_PROMPT: 'never' },
    timeoutMs: 120_000,
  })
  if (!stdout.includes('spoken')) throw new Error(`not tried: ${stdout}`)
  await home.run('/bin/rm', [held])
  const first = await running
  const later = await cloud.ask()
  mustHave(first, plugin.token)
  return stdout.includes('GOT') || /forged/.test(first.stdout + later.stdout)
}

/** The plugin heeds no TERM, and prints when a lock and another unlock have passed. */
async function oldRunner(siege: Siege): Promise<boolean> {
  await using cloud = await Cloud.open(siege)
  const { home, plugin } = cloud
  mustHave(await cloud.ask(), plugin.token)
  await home.lock()
  await home.unlock('default')
  const [held, pidFile] = [join(home.home, 'hold'), join(home.home, 'pid')]
  writeFileSync(held, '')
  plugin.behaves(
    `token=of-the-old-session; trap '' TERM; echo $$ >'${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'; while [ -e '${held}' ]; do sleep 0.05; done`,
  )
  const old = cloud.ask()
  const pid = await until('the run', () => {
    try {
      return Number(readFileSync(pidFile, 'utf8'))
    } catch {
      return undefined
    }
  })
  await home.lock()
  await home.unlock('default')
  plugin.behaves('note run')
  await home.run('/bin/rm', [held])
  const { stdout } = await old
  await until('the end of the plugin', () => !isRunning(pid))
  const later = await cloud.ask()
  mustHave(later, plugin.token)
  return stdout !== '' || later.stdout.includes('of-the-old-session')
}

export const wrappedCases: readonly BypassCase[] = [
  { name: 'a wrapped plugin’s answer, fetched while locked', whileUnlocked: 'own', attempt: whileLocked },
  {
    name: 'another identity’s answer, from another environment',
    whileUnlocked: 'own',
    attempt: otherEnvironment,
  },
  {
    name: 'a forged answer, handed to the keeper without word to run',
    whileUnlocked: 'own',
    attempt: forgedAnswer,
  },
  {
    name: 'the answer of a plugin that was started before a lock',
    whileUnlocked: 'own',
    attempt: oldRunner,
  },
]
