import { Option } from '@commander-js/extra-typings'
import { constants } from 'node:os'
import { callDaemon } from '../../client/call.ts'
import { takePromptTurn } from '../../client/prompt-turn.ts'
import { openTerminal } from '../../client/tty-device.ts'
import { GuardError } from '../../domain/errors.ts'
import { prctl, prctlOption } from '../../platform/libc.ts'
import type { PolicyReport, StatusReport } from '../../protocol/reports.ts'
import { command, durationArgument, passphraseFdOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { hardenBeforeSecrets } from '../harden.ts'
import { askedOnce, fromPinentry, passphraseSource } from '../passphrase.ts'
import type { PassphraseSource } from '../passphrase.ts'
import { readStatus, unlockSession } from '../unlock-session.ts'

interface UnlockOptions {
  readonly all?: true | undefined
  readonly for?: number | undefined
  readonly passphraseFd?: number | undefined
  readonly forCommand?: true | undefined
  readonly recovery?: true | undefined
  readonly role?: string | undefined
}

export function unlockCommand() {
  return (
    command(
      'unlock',
      'open a session: type the passphrase, work until the limits of its policy',
      'kubeguard unlock',
      'kubeguard unlock prod --for 30m',
      'kubeguard unlock prod --role edit --for 15m',
      'secret-tool lookup service kubeguard | kubeguard unlock --all --passphrase-fd 0',
    )
      .argument('[policy]', 'policy to unlock (default: that of the current context)')
      .option('--all', 'unlock every policy')
      .option('--for <duration>', 'end after this time already; never lengthens', durationArgument)
      .option(
        '--role <role>',
        'credential: ephemeral: with this one of the roles that the policy offers (default: the least)',
      )
      .option('--recovery', 'the passphrase is forgotten: give the recovery key in its place')
      .addOption(passphraseFdOption())
      // For shim and plugin: the strict rules of asking, since a client met the lock and not a person's wish.
      .addOption(new Option('--for-command').hideHelp())
      .action((policy, options) => runCommand(() => unlock(policy, options)))
  )
}

async function unlock(policy: string | undefined, options: UnlockOptions): Promise<void> {
  if (policy !== undefined && options.all) throw new GuardError('usage', 'give a policy or --all, not both')
  if (options.role !== undefined && options.all)
    throw new GuardError('usage', 'a role is chosen for one policy: give --role or --all, not both')
  await hardenBeforeSecrets(options.passphraseFd)
  // A prompt must not outlive the command that it asks for.
  if (options.forCommand) prctl(prctlOption.setPdeathsig, constants.signals.SIGTERM)
  const source = askedOnce(await sourceFor(policy, options))
  try {
    if (source.onTerminal) await unlockInTurn(policy, options, source)
    else await unlockEach(policy, options, source)
  } finally {
    source.forget()
  }
}

/** Where nobody can be asked, what is open already still is: a script may say `unlock` to be sure. */
async function sourceFor(policy: string | undefined, options: UnlockOptions): Promise<PassphraseSource> {
  const { passphraseFd, forCommand: forClient = false } = options
  try {
    return await passphraseSource({ passphraseFd, forClient })
  } catch (error) {
    const report = forClient ? undefined : await readStatus()
    if (report !== undefined && isOpen(report, policy, options)) {
      const refuse = (): Promise<never> => Promise.reject(error)
      return { onTerminal: false, asksPerson: false, ask: refuse, askNew: refuse }
    }
    // Whatever is wrong there, why it can't be asked here is what is said.
    const pinentry = await pinentryFor(policy ?? report?.currentPolicy, options).catch(() => undefined)
    if (pinentry !== undefined) return fromPinentry(pinentry)
    throw error
  }
}

/** Where there is no terminal at all, and the policy names one. A recovery key is nothing to be typed into a small dialog. */
async function pinentryFor(
  policy: string | undefined,
  { recovery }: UnlockOptions,
): Promise<string | undefined> {
  if (recovery || hasTerminal() || process.env['KUBEGUARD_PROMPT'] === 'never') return undefined
  const { report } = await callDaemon('policy.read', {})
  const found = (report as PolicyReport).policies.find(({ name }) => name === policy)?.pinentry
  return found === '' ? undefined : found
}

function hasTerminal(): boolean {
  const terminal = openTerminal()
  terminal?.close()
  return terminal !== undefined
}

/** One prompt at a time on a terminal. */
async function unlockInTurn(
  policy: string | undefined,
  options: UnlockOptions,
  source: PassphraseSource,
): Promise<void> {
  const turn = await takePromptTurn()
  try {
    await unlockEach(policy, options, source)
  } finally {
    turn?.release()
  }
}

async function unlockEach(
  policy: string | undefined,
  options: UnlockOptions,
  source: PassphraseSource,
): Promise<void> {
  const policies = options.all ? (await readStatus()).sessions.map((session) => session.policy) : [policy]
  for (const each of policies)
    await unlockSession(
      {
        policy: each,
        forMs: options.for,
        forClient: options.forCommand,
        recovery: options.recovery,
        role: options.role,
      },
      source,
    )
}

function isOpen(
  { sessions, currentPolicy }: StatusReport,
  policy: string | undefined,
  options: UnlockOptions,
): boolean {
  if (options.all) return sessions.every((session) => session.state === 'unlocked')
  return sessions.some(
    (session) => session.policy === (policy ?? currentPolicy) && session.state === 'unlocked',
  )
}
