import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesWith } from '../../e2e/commands/secrets.ts'
import { passphrase } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { repository, until } from '../../fixtures/terminal.ts'
import type { BypassCase } from '../bypass-case.ts'
import { gotPods, laySiege, speak, usualRules } from '../siege.ts'
import type { Siege } from '../siege.ts'

const wrong = 'not this one at all'

const feed = ({ home }: Siege, fd3: string, ...args: string[]) =>
  home.kubeguard([...args, '--passphrase-fd', '3'], { fd3 })

/** A siege of its own: what is tried here would be in the way of the other cases. */
async function apart(
  rules: Parameters<typeof laySiege>[0],
  attempt: BypassCase['attempt'],
): Promise<boolean> {
  const siege = await laySiege(rules)
  try {
    return await attempt(siege)
  } finally {
    await siege.lift()
  }
}

const withMore = (more: string) => ({ ...usualRules, more: `${usualRules.more}${more}` })

async function signsIn({ home }: Siege): Promise<string[]> {
  const { stdout } = await home.kubeguard(['status', '--json'])
  return (JSON.parse(stdout) as { misuse: { sign: string }[] }).misuse.map(({ sign }) => sign)
}

/** Keys of the attacker's own making, and a vault's key file sealed to one of them. */
const forge = `set -e; umask 077; cd "$1"
age-keygen -o mine 2>/dev/null; age-keygen -o other 2>/dev/null
tail -n1 other >text
age -r "$(age-keygen -y mine)" -o recovery.age text
tail -n1 mine`

export const misuseCases: readonly BypassCase[] = [
  {
    name: 'the right passphrase in a lock-out, after a restart, under rules that were loosened meanwhile',
    whileUnlocked: 'own',
    attempt: () =>
      apart(withMore('    lockOutAfter: 3\n    lockOutFor: 1h\n'), async (siege) => {
        const { home } = siege
        for (let count = 0; count < 3; count += 1) await feed(siege, wrong, 'unlock', 'default')
        await home.kubeguard(['daemon', 'restart'])
        writePolicy(home, withMore('    lockOutAfter: 100\n    lockOutFor: 1s\n'))
        const tried = [
          await feed(siege, passphrase, 'unlock', 'default'),
          await feed(siege, passphrase, 'unlock', 'prod'),
          await feed(siege, `${passphrase}\n${wrong}\n`, 'passwd'),
          await feed(siege, passphrase, 'eject', '--yes'),
          await feed(siege, passphrase, 'passwd', '--recovery-key'),
        ]
        if (!(await signsIn(siege)).includes('locked-out')) throw new Error('no lock-out to get around')
        return tried.some(({ code }) => code === 0) || gotPods(await home.realKubectl(['get', 'pods']))
      }),
  },
  {
    name: 'many prompts opened first, and answered all at once',
    whileUnlocked: 'own',
    attempt: () =>
      apart(usualRules, async (siege) => {
        const { stdout } = await speak(siege, 'guess-at-once', '24')
        const answers = stdout.trim().split('\n')
        if (answers.length !== 24 || !answers.includes('wrong-passphrase')) throw new Error(stdout)
        return answers.filter((answer) => answer !== 'ticket-refused').length > 4
      }),
  },
  {
    name: 'the recovery key, looked for on disk once it was made and used',
    whileUnlocked: 'own',
    attempt: () =>
      apart(usualRules, async (siege) => {
        const { home } = siege
        const { stdout } = await feed(siege, passphrase, 'passwd', '--recovery-key')
        const key = stdout.trim()
        const used = await feed(siege, key, 'unlock', 'default', '--recovery')
        if (used.code !== 0) throw new Error(used.stderr)
        return filesWith(home.root, [key, key.toLowerCase()]).length > 0
      }),
  },
  {
    name: 'a vault’s recovery file forged, and opened by a key of the forger’s',
    whileUnlocked: 'own',
    attempt: () =>
      apart(usualRules, async (siege) => {
        const { home } = siege
        const vault = join(home.guardHome, 'state', 'vaults', 'default')
        const made = await feed(siege, passphrase, 'passwd', '--recovery-key')
        if (made.code !== 0) throw new Error(made.stderr)
        await home.run('/bin/mkdir', ['-m', '700', join(home.home, 'forged')])
        const { stdout: mine } = await home.run('/bin/sh', ['-c', forge, 'forge', join(home.home, 'forged')])
        if (!mine.startsWith('AGE-SECRET-KEY-1')) throw new Error(mine)
        await home.run('/bin/cp', [join(home.home, 'forged', 'recovery.age'), join(vault, 'recovery.age')])
        const tried = [
          await feed(siege, mine, 'unlock', 'default', '--recovery'),
          await feed(siege, passphrase, 'unlock', 'default', '--recovery'),
          await feed(siege, `${mine}\n${wrong}\n`, 'passwd', '--recovery'),
        ]
        const got = gotPods(await home.realKubectl(['get', 'pods']))
        const still = await feed(siege, passphrase, 'unlock', 'default')
        if (still.code !== 0) throw new Error(`the owner is locked out: ${still.stderr}`)
        return tried.some(({ code }) => code === 0) || got
      }),
  },
  {
    name: 'failed unlocks taken out of the journal while no daemon runs, without a sign',
    whileUnlocked: 'own',
    attempt: () =>
      apart(usualRules, async (siege) => {
        const { home } = siege
        await feed(siege, wrong, 'unlock', 'default')
        await home.kubeguard(['daemon', 'stop'])
        const edit = `import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    assert db.execute("delete from entries where event = 'unlock-failed'").rowcount > 0
    db.execute("delete from failures")`
        const done = await home.run('/usr/bin/python3', [
          '-c',
          edit,
          join(home.guardHome, 'state', 'journal.db'),
        ])
        if (done.code !== 0) throw new Error(done.stderr)
        await home.kubeguard(['status'])
        const told = until('a sign', async () => (await signsIn(siege)).includes('journal-broken'), {
          withinMs: 60_000,
        })
        return !(await told.catch(() => false))
      }),
  },
  {
    name: 'a passphrase, right or wrong, in what a sign of misuse tells and runs',
    whileUnlocked: 'own',
    attempt: () => {
      const command =
        'env >told; tr "\\\\0" "\\\\n" </proc/$PPID/environ >>told 2>/dev/null; cat >>told; echo end >>told'
      return apart(withMore(`    onMisuse: ["${command.replaceAll('"', '\\"')}"]\n`), async (siege) => {
        const { home } = siege
        for (let count = 0; count < 3; count += 1) await feed(siege, `${wrong} ${count}`, 'unlock', 'default')
        const told = join(home.home, 'told')
        await until('the command', () => existsSync(told) && readFileSync(told, 'utf8').endsWith('end\n'), {
          withinMs: 60_000,
        })
        const text = readFileSync(told, 'utf8')
        return [wrong, passphrase, ...siege.secrets].some((secret) => text.includes(secret))
      })
    },
  },
  {
    name: 'a pinentry that others can change, asked for the passphrase',
    whileUnlocked: 'own',
    attempt: () =>
      apart(usualRules, async (siege) => {
        const { home } = siege
        const path = join(home.root, 'pinentry')
        const started = join(home.home, 'started')
        const text = `#!/bin/sh\ntouch ${started}\n`
        writeFileSync(path, text, { mode: 0o777 })
        chmodSync(path, 0o777)
        writePolicy(home, withMore(`    pinentry: ${path}\n`))
        const run = await home.run('/usr/bin/setsid', ['--wait', 'kubectl', 'get', 'pods'])
        const asked = existsSync(started)
        chmodSync(path, 0o755)
        chownSync(path, siege.own.uid, siege.own.gid)
        await home.run('/usr/bin/setsid', ['--wait', join(repository, 'bin', 'kubeguard'), 'unlock'])
        if (!existsSync(started)) throw new Error('it is not started where nobody else can change it either')
        return asked || gotPods(run)
      }),
  },
]
