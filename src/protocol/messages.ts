import { optional, required } from './fields.ts'
import type { Fields, ValueOf } from './fields.ts'
import { limits } from './limits.ts'

/**
 * The whole wire in one place. Raise it whenever a message changes in a way that an older
 * peer would misread; client and daemon of different versions refuse each other.
 */
export const protocolVersion = 4

/** Who may send a request, and to whom. */
type Route =
  | 'client>daemon'
  | 'client>keeper'
  | 'daemon>keeper'
  | 'keeper>daemon'
  | 'daemon>reaper'
  | 'supervisor>screen'
  | 'keeper>gateway'
  | 'gateway>keeper'

interface Message {
  /** 1 … 0x7fff; a reply carries the same id with bit 15 set. Never reused. */
  readonly id: number
  readonly route: Route
  readonly about: string
  /** Does the answer need an unlocked session? */
  readonly needsUnlocked: boolean
  /** May this request show that a human is there (through its terminal's input time)? */
  readonly mayShowPresence: boolean
  readonly request: Fields
  readonly reply: Fields
  /** It is told, not asked: no reply comes. */
  readonly told?: true
}

const message = <const M extends Message>(definition: M): M => definition

/** What every verdict carries, for the shim and for the credential plugin alike. */
const verdictFields = {
  verdict: required(1, 'text', 'allow, challenge, wait (ask again at once, with `waits`) or deny', 16),
  policy: optional(2, 'text', 'the policy that decided', 256),
  message: optional(3, 'text', 'for stderr: what and why, the cure on the next line; absent: say nothing'),
  exitCode: optional(4, 'uint', 'exit code of a refusal'),
}

/** Which of the descriptors 0, 1 and 2 are terminals: bits 1, 2 and 4. */
const ttys = required(8, 'uint', 'which of descriptors 0, 1, 2 are terminals: bits 1, 2, 4')
const mayAsk = required(9, 'flag', 'KUBEGUARD_PROMPT is not never, and /dev/tty can be opened')
const mayWait = required(
  11,
  'flag',
  'KUBEGUARD_PROMPT is not never: it may wait for a prompt of somebody else’s',
)
const waits = required(
  12,
  'flag',
  'told to wait: the answer is held back until it may be another one, 5 s at most',
)

/** How an attempt goes on: it is done, or one factor asks the client for more. */
const proofFields = {
  report: optional(1, 'json', 'an OpenReport: done', limits.jsonBytes),
  factor: optional(2, 'text', 'which factor asks; go on with keeper.answer on this connection', 64),
  question: optional(3, 'secret', 'with `factor`: what it asks, its own business', limits.answerBytes),
  recoveryKey: optional(4, 'secret', 'the recovery key that was made: shown once, kept nowhere', 256),
}

const nameMax = 1024

/** One request that went through a gateway, or that it refused: an entry of the journal of requests. */
const apiRequestFields = {
  verb: required(1, 'text', 'as RBAC names it; of a path that is no resource’s the method', nameMax),
  resource: required(2, 'text', 'with its subresource; or the first two parts of the path', nameMax),
  namespace: required(3, 'text', 'empty: none', nameMax),
  name: required(4, 'text', 'of the object; empty: none', nameMax),
  program: required(5, 'text', 'base name of the client’s executable; empty: no valid pass', nameMax),
  pid: required(6, 'uint', 'of the client; 0: no valid pass'),
  code: optional(7, 'uint', 'HTTP status; absent: none came'),
  sent: required(8, 'uint', 'bytes from the client after the head, so far'),
  received: required(9, 'uint', 'bytes to the client after the head, so far'),
  durationMs: optional(10, 'uint', 'absent: it is still under way, or it stands for several'),
  times: optional(11, 'uint', 'so many alike, after the one that was told by itself'),
  leftOut: optional(12, 'uint', 'so many before this one were not told: too many at once'),
  number: optional(13, 'uint', 'it was told by this number when it began'),
  phase: optional(
    14,
    'text',
    'begun: to be recorded if no more is heard of it; over: no entry of its own; absent: to be recorded',
    8,
  ),
}

export const messages = {
  'gate.check': message({
    id: 1,
    route: 'client>daemon',
    about: 'The shim asks whether this command may go ahead, and which program it is.',
    needsUnlocked: false,
    mayShowPresence: true,
    request: {
      argv: required(1, 'bytesList', 'argv, the program name first', limits.argumentBytes),
      cwd: required(2, 'bytes', 'working directory'),
      path: optional(3, 'bytes', '$PATH', 256 * 1024),
      home: optional(4, 'bytes', '$HOME'),
      kubeconfig: optional(5, 'bytes', '$KUBECONFIG', 256 * 1024),
      kuberc: optional(6, 'bytes', '$KUBERC'),
      inCluster: required(7, 'flag', 'KUBERNETES_SERVICE_HOST and _PORT are set'),
      ttys,
      mayAsk,
      asked: required(10, 'flag', 'this shim has just run `kubeguard unlock`: do not challenge again'),
      mayWait,
      waits,
    },
    reply: {
      ...verdictFields,
      program: optional(5, 'bytes', 'absolute path of the program to execute'),
      supervisor: optional(
        6,
        'bytes',
        'an interactive stream: absolute path of the supervisor, which goes between it and the terminal',
      ),
    },
  }),
  'credential.issue': message({
    id: 2,
    route: 'client>daemon',
    about: 'The credential plugin asks for the credential of one kubeconfig user.',
    needsUnlocked: true,
    mayShowPresence: true,
    request: {
      credential: required(1, 'text', 'credential id, as kubeconfig names it', 256),
      policy: required(2, 'text', 'policy name, as kubeconfig names it; checked against the vault', 256),
      ttys,
      mayAsk,
      asked: required(10, 'flag', 'this plugin has just run `kubeguard unlock`: do not challenge again'),
      mayWait,
      waits,
    },
    reply: {
      ...verdictFields,
      socket: optional(5, 'bytes', 'the keeper’s socket'),
      ticket: optional(6, 'secret', 'one attempt at the keeper', 64),
    },
  }),
  'session.unlock': message({
    id: 3,
    route: 'client>daemon',
    about: 'Begin an unlock: a keeper is made ready, and the answer says where it waits.',
    needsUnlocked: false,
    mayShowPresence: true,
    request: {
      policy: optional(1, 'text', 'policy name; absent: the policy of the current context', 256),
      forMs: optional(2, 'uint', 'shorten the lifetime to this many milliseconds'),
      kubeconfig: optional(3, 'bytes', '$KUBECONFIG', 256 * 1024),
      cwd: required(4, 'bytes', 'working directory'),
      home: optional(5, 'bytes', '$HOME'),
      recovery: required(6, 'flag', 'by the recovery key: it can’t be guessed, so no delay holds it up'),
      role: optional(7, 'text', 'ephemeral credentials: the role wanted; absent: the least', 256),
    },
    reply: {
      policy: required(1, 'text', 'the policy that is being unlocked', 256),
      socket: required(2, 'bytes', 'the keeper’s socket'),
      ticket: required(3, 'secret', 'one attempt at the keeper', 64),
      asks: required(
        4,
        'flag',
        'a passphrase is needed; absent: this policy has no vault, or opens by another factor: send an empty one',
      ),
      failures: required(5, 'uint', 'failed unlocks since the last success'),
      already: required(6, 'flag', 'unlocked already: nothing to prove, socket and ticket are empty'),
      untilWallMs: optional(7, 'uint', 'with `already`: the end of the lifetime'),
      idleMs: optional(8, 'uint', 'with `already`: the idle limit'),
    },
  }),
  'session.lock': message({
    id: 4,
    route: 'client>daemon',
    about: 'Lock one policy’s session, or all; answered when the wall stands.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: { policy: optional(1, 'text', 'policy name; absent: all', 256) },
    reply: { report: required(1, 'json', 'a list of LockReport', limits.jsonBytes) },
  }),
  'session.status': message({
    id: 5,
    route: 'client>daemon',
    about: 'Every session’s state, and which policy the current context has.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      kubeconfig: optional(1, 'bytes', '$KUBECONFIG', 256 * 1024),
      cwd: required(2, 'bytes', 'working directory'),
      home: optional(3, 'bytes', '$HOME'),
    },
    reply: { status: required(1, 'json', 'a StatusReport', limits.jsonBytes) },
  }),
  'vault.open': message({
    id: 6,
    route: 'client>daemon',
    about:
      'Begin work on vaults that needs the passphrase: create, rewrap (passwd), recovery-key, eject, move; or remove some (reset).',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      mode: required(
        1,
        'text',
        'create, rewrap, recovery-key (make one), eject, move (as its policy’s access has become) or reset',
        16,
      ),
      policies: required(
        2,
        'textList',
        'policies to create, eject from, move (one) or reset; none: all, but never to reset or move',
        256,
      ),
      paths: required(3, 'bytesList', 'eject, move: kubeconfig files, none: all that were adopted'),
      users: required(4, 'textList', 'eject, move: kubeconfig users, none: all'),
      to: optional(5, 'bytes', 'eject: a new file for users whose place is gone'),
      recovery: required(6, 'flag', 'rewrap: by the recovery key in the passphrase’s place'),
    },
    reply: {
      socket: required(1, 'bytes', 'the keeper’s socket'),
      ticket: required(2, 'secret', 'one attempt at the keeper', 64),
      known: required(3, 'flag', 'a passphrase exists already'),
    },
  }),
  'kubeconfig.adopt': message({
    id: 7,
    route: 'client>daemon',
    about: 'Move the secrets of kubeconfig users into vaults, or show what that would do.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      paths: required(1, 'bytesList', 'absolute kubeconfig files, in KUBECONFIG order'),
      users: required(2, 'textList', 'kubeconfig users, none: all'),
      dryRun: required(3, 'flag', 'only show, secrets masked'),
      unlessLogIns: required(
        4,
        'flag',
        'change nothing where a log-in could be taken over: the report names it',
      ),
    },
    reply: { report: required(1, 'json', 'an AdoptReport', limits.jsonBytes) },
  }),
  'kubeconfig.give-back': message({
    id: 43,
    route: 'client>daemon',
    about:
      'Put users back whose log-in a policy’s factor does by itself: no vault has anything of theirs, so no passphrase is needed.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      paths: required(1, 'bytesList', 'kubeconfig files, none: all'),
      users: required(2, 'textList', 'kubeconfig users, none: all'),
      to: optional(3, 'bytes', 'a new file for users whose place is gone'),
      dryRun: required(4, 'flag', 'only name them'),
    },
    reply: { report: required(1, 'json', 'an EjectReport', limits.jsonBytes) },
  }),
  'policy.read': message({
    id: 8,
    route: 'client>daemon',
    about: 'The rules in force, what is wrong with the files, and what applies to a context.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: { context: optional(1, 'text', 'explain this context') },
    reply: { report: required(1, 'json', 'a PolicyReport', limits.jsonBytes) },
  }),
  'journal.read': message({
    id: 9,
    route: 'client>daemon',
    about: 'Entries of the journal, oldest first, a page at a time.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      after: optional(1, 'uint', 'only entries with a greater sequence number'),
      sinceMs: optional(2, 'uint', 'only entries at or after this wall-clock time in ms'),
      event: optional(3, 'text', 'only this event', 64),
      session: optional(4, 'text', 'only this policy', 256),
      requests: required(5, 'flag', 'of the journal of requests through gateways'),
    },
    reply: { entries: required(1, 'json', 'a list of JournalEntry', limits.jsonBytes) },
  }),
  'journal.verify': message({
    id: 10,
    route: 'client>daemon',
    about: 'Check the journal’s hash chain.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {},
    reply: { report: required(1, 'json', 'a ChainReport', limits.jsonBytes) },
  }),
  'daemon.status': message({
    id: 11,
    route: 'client>daemon',
    about: 'Is it up, which one is it, and what does it find wrong with the installation?',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {},
    reply: { report: required(1, 'json', 'a DaemonReport', limits.jsonBytes) },
  }),
  'daemon.stop': message({
    id: 12,
    route: 'client>daemon',
    about: 'Lock everything and end the daemon; answered when every session is locked.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {},
    reply: {},
  }),
  'shell.news': message({
    id: 13,
    route: 'client>daemon',
    about:
      'A shell waits for news: a lock, an unlock, a warning. Answered when there is any that this connection ' +
      'has not been told of; what it is stands in the status file.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {},
    reply: {},
  }),
  'kubeconfig.sweep': message({
    id: 21,
    route: 'client>daemon',
    about:
      'Wipe what should not be on disk any more. A daemon that is started for it has locked everything first.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      kubeconfig: optional(1, 'bytes', '$KUBECONFIG', 256 * 1024),
      cwd: required(2, 'bytes', 'working directory'),
      home: optional(3, 'bytes', '$HOME'),
    },
    reply: { report: required(1, 'json', 'a SweepReport', limits.jsonBytes) },
  }),
  'session.hold': message({
    id: 14,
    route: 'client>daemon',
    about:
      'A person’s word that a job may run unattended: an idle lock leaves it and what it starts in peace.',
    needsUnlocked: true,
    mayShowPresence: true,
    request: {
      policy: optional(1, 'text', 'policy name; absent: the policy of the current context', 256),
      forMs: required(2, 'uint', 'for how long; never past the lifetime'),
      pid: optional(3, 'uint', 'a live process or holder; absent: the asker’s parent, which becomes the job'),
      kubeconfig: optional(4, 'bytes', '$KUBECONFIG', 256 * 1024),
      cwd: required(5, 'bytes', 'working directory'),
      home: optional(6, 'bytes', '$HOME'),
    },
    reply: {
      policy: required(1, 'text', 'the policy whose session is held', 256),
      untilWallMs: required(2, 'uint', 'until when'),
    },
  }),
  'session.extend': message({
    id: 15,
    route: 'client>daemon',
    about: 'A person says “I am here”: the asker’s terminal counts from now on.',
    needsUnlocked: true,
    mayShowPresence: true,
    request: {
      policy: optional(1, 'text', 'policy name; absent: the policy of the current context', 256),
      all: required(2, 'flag', 'every session that is unlocked'),
      kubeconfig: optional(3, 'bytes', '$KUBECONFIG', 256 * 1024),
      cwd: required(4, 'bytes', 'working directory'),
      home: optional(5, 'bytes', '$HOME'),
    },
    reply: { report: required(1, 'json', 'a list of ExtendReport', limits.jsonBytes) },
  }),
  'client.end': message({
    id: 16,
    route: 'client>daemon',
    about: 'End live processes and holders; answered when they are gone.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: { pids: required(1, 'textList', 'pids, as status lists them', 20) },
    reply: { report: required(1, 'json', 'an EndReport', limits.jsonBytes) },
  }),
  'session.give-up': message({
    id: 20,
    route: 'client>daemon',
    about:
      'The prompt ended without an unlock: whoever waits for it is refused. Heeded from whoever has the turn.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: { policy: required(1, 'text', 'policy name', 256) },
    reply: {},
  }),
  'supervisor.begin': message({
    id: 24,
    route: 'client>daemon',
    about:
      'A supervisor stands between a terminal and an interactive stream. Heeded from the process that was told so ' +
      'by gate.check, while it is our supervisor.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: { device: required(1, 'uint', 'device number of the terminal that the program has') },
    reply: {
      escape: optional(1, 'uint', 'the key, a byte, that speaks to kubeguard at the start of a line'),
      suspends: required(
        2,
        'flag',
        'a lock covers it, so that what it writes is to be kept; else a lock ends it',
      ),
    },
  }),
  'supervisor.wait': message({
    id: 25,
    route: 'client>daemon',
    about:
      'Answered when the stream has to end, is to be covered or uncovered, or when there is something to be said before; ' +
      'but for the end it is asked again then. That the connection closes means the end.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {},
    reply: {
      byPerson: required(1, 'flag', 'by `kubeguard kill`, not by a lock'),
      message: optional(2, 'text', 'for the terminal: why, and how to go on', 2_048),
      warning: optional(
        3,
        'text',
        'not the end yet: one line for title and overlay; empty when it is past',
        512,
      ),
      notice: optional(4, 'text', 'not the end: lines that were asked for by supervisor.report', 1_024),
      cover: optional(
        5,
        'text',
        'not the end: it goes on unseen, behind a lock screen with these lines',
        1_024,
      ),
      policy: optional(6, 'text', 'with `cover`: what `kubeguard unlock` is to open', 256),
      uncover: required(7, 'flag', 'not the end: the session is open again'),
    },
  }),
  'supervisor.report': message({
    id: 26,
    route: 'client>daemon',
    about: 'What went through a supervisor. Keys are told within a second.',
    needsUnlocked: false,
    mayShowPresence: true,
    request: {
      typed: required(1, 'flag', 'a person has typed since the last report'),
      hungUp: required(2, 'flag', 'the terminal is gone'),
      keys: required(3, 'uint', 'bytes that came from the terminal, ever'),
      output: required(4, 'uint', 'bytes that the program wrote, ever'),
      command: optional(5, 'text', 'lock, time or help: asked for by keys', 16),
      covered: required(6, 'flag', 'the lock screen stands, and no key gets through'),
    },
    reply: {},
  }),
  'keeper.open': message({
    id: 32,
    route: 'client>keeper',
    about: 'Prove who you are. One attempt per ticket, a wrong passphrase included.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      ticket: required(1, 'secret', 'from session.unlock or vault.open', 64),
      passphrase: required(2, 'secret', 'as typed, UTF-8 NFC, without the line end', limits.passphraseBytes),
      newPassphrase: optional(3, 'secret', 'rewrap: the new one', limits.passphraseBytes),
    },
    reply: proofFields,
  }),
  'keeper.answer': message({
    id: 37,
    route: 'client>keeper',
    about:
      'On the connection of a keeper.open whose reply asks for more: what the client’s half of that factor says. As often as it takes.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: { answer: required(1, 'secret', 'the factor’s own business', limits.answerBytes) },
    reply: proofFields,
  }),
  'keeper.issue': message({
    id: 33,
    route: 'client>keeper',
    about: 'Fetch the ExecCredential that a ticket stands for.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      ticket: required(1, 'secret', 'from credential.issue', 64),
      apiVersion: required(2, 'text', 'v1 or v1beta1 of client.authentication.k8s.io', 64),
    },
    reply: {
      execCredential: optional(
        1,
        'secret',
        'the ExecCredential document, for stdout; absent: it comes from a wrapped exec plugin, go on with keeper.share',
        limits.jsonBytes,
      ),
    },
  }),
  'keeper.share': message({
    id: 34,
    route: 'client>keeper',
    about:
      'On the connection of a keeper.issue, as often as it takes: what a wrapped exec plugin gave somebody with the ' +
      'same identity, or word to run it. With neither: somebody else runs it; ask again.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      apiVersion: required(1, 'text', 'v1 or v1beta1 of client.authentication.k8s.io', 64),
      environment: required(2, 'bytesList', 'the client’s environment, NAME=value', limits.argumentBytes),
      cwd: required(3, 'bytes', 'working directory'),
      ttys,
    },
    reply: {
      execCredential: optional(1, 'secret', 'the ExecCredential document, for stdout', limits.jsonBytes),
      program: optional(2, 'bytes', 'run this one: a path, or a name to be found on PATH'),
      argv: optional(3, 'secret', 'its arguments, its name first, each ended by NUL', limits.jsonBytes),
      environment: optional(
        4,
        'secret',
        'NAME=value, each ended by NUL, in the place of the client’s of those names',
        limits.jsonBytes,
      ),
      limitMs: optional(5, 'uint', 'how long it may run'),
      interactive: required(6, 'flag', 'standard input and a terminal’s standard error are for it'),
      pauseMs: optional(7, 'uint', 'to be waited before asking again'),
    },
  }),
  'keeper.deliver': message({
    id: 35,
    route: 'client>keeper',
    about:
      'On the connection that keeper.share gave word to run on: what came of it. Nobody else is told to run it ' +
      'meanwhile, for as long as the connection stands.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      outcome: required(1, 'text', 'exited, killed, late, missing or endless', 16),
      code: required(2, 'uint', 'exit code, or the signal that killed it'),
      output: required(3, 'secret', 'its standard output', limits.jsonBytes),
    },
    reply: {
      execCredential: required(1, 'secret', 'the ExecCredential document, for stdout', limits.jsonBytes),
    },
  }),
  'keeper.fetch': message({
    id: 36,
    route: 'client>keeper',
    about:
      'Fetch one credential without a ticket, where the daemon has vouched for the client; where it has not, the plugin asks the daemon.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      credential: required(1, 'text', 'credential id, as kubeconfig names it', 256),
      apiVersion: required(2, 'text', 'v1 or v1beta1 of client.authentication.k8s.io', 64),
    },
    reply: {
      execCredential: optional(
        1,
        'secret',
        'the ExecCredential document, for stdout; absent: nobody vouched, or it comes from a wrapped exec plugin',
        limits.jsonBytes,
      ),
    },
  }),
  'keeper.expect': message({
    id: 48,
    route: 'daemon>keeper',
    about:
      'Register a ticket. It is sent before the client hears of it, so it is there when the client comes.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      ticket: required(1, 'secret', 'random', 64),
      pid: required(2, 'uint', 'the only process that may use it'),
      startTicks: required(3, 'uint', 'its start time, field 22 of /proc/PID/stat'),
      purpose: required(4, 'text', 'open or issue', 16),
      credential: optional(5, 'text', 'issue: credential id', 256),
    },
    reply: {},
    told: true,
  }),
  'keeper.live': message({
    id: 49,
    route: 'daemon>keeper',
    about: 'Heartbeat, and the deadline as it stands: the keeper exits two seconds past it.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      deadlineBootMs: required(1, 'uint', 'on the clock that counts suspended time'),
      lifetimeWallMs: required(2, 'uint', 'end of the lifetime in wall-clock ms; no credential outlives it'),
    },
    reply: {},
  }),
  'keeper.narrow': message({
    id: 51,
    route: 'daemon>keeper',
    about:
      'Serve nobody any more but these processes. A keeper only ever narrows: what it refuses once it refuses for good.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      jobs: required(1, 'textList', 'PID:START, a process that is served with all that it starts', 64),
      writers: required(2, 'textList', 'PID:START, a holder that is served alone', 64),
    },
    reply: {},
  }),
  'keeper.vouch': message({
    id: 52,
    route: 'daemon>keeper',
    about:
      'A client was let through, and is recorded: its own plugin may fetch this credential, once and within seconds.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      pid: required(1, 'uint', 'the client'),
      startTicks: required(2, 'uint', 'its start time, field 22 of /proc/PID/stat'),
      credential: required(3, 'text', 'credential id', 256),
    },
    reply: {},
    told: true,
  }),
  'keeper.fetched': message({
    id: 53,
    route: 'keeper>daemon',
    about: 'A credential that was vouched for is being given out. Sent before it leaves.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      pid: required(1, 'uint', 'the client that holds it now'),
      startTicks: required(2, 'uint', 'its start time'),
      program: required(3, 'text', 'base name of its executable', 4096),
      credential: required(4, 'text', 'credential id', 256),
    },
    reply: {},
    told: true,
  }),
  'keeper.gateway': message({
    id: 54,
    route: 'keeper>daemon',
    about:
      'This session has a gateway, which is to end with its keeper. Sent before the gateway is told anything.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      pid: required(1, 'uint', 'its process'),
      startTicks: required(2, 'uint', 'its start time'),
    },
    reply: {},
    told: true,
  }),
  'keeper.request': message({
    id: 55,
    route: 'keeper>daemon',
    about: 'A request to an API server, for the journal of requests: as this session’s gateway has told it.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: apiRequestFields,
    reply: {},
    told: true,
  }),
  'keeper.opened': message({
    id: 50,
    route: 'keeper>daemon',
    about: 'The vault is open, or the attempt failed. The daemon’s answer decides what the client is told.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      generation: required(1, 'uint', 'the generation the unlock began under'),
      failure: optional(2, 'text', 'an error code: wrong passphrase, damaged vault, …', 64),
      report: optional(3, 'json', 'mode-specific result without secrets', limits.jsonBytes),
    },
    reply: {
      accepted: required(1, 'flag', 'the session is unlocked (or the mode’s work is acknowledged)'),
      deadlineBootMs: optional(2, 'uint', 'first deadline'),
      lifetimeWallMs: optional(3, 'uint', 'end of the lifetime'),
      untilWallMs: optional(4, 'uint', 'for the line that the user sees'),
      idleMs: optional(5, 'uint', 'for the line that the user sees'),
      refusal: optional(6, 'text', 'why not: an error code; absent: unlock-superseded', 64),
      materialise: optional(7, 'text', 'put the credentials into their kubeconfigs, under this trace', 128),
      failedBefore: optional(8, 'json', 'a FailedBefore: wrong passphrases before this success', 4096),
    },
  }),
  'reaper.watch': message({
    id: 64,
    route: 'daemon>reaper',
    about: 'A process that ends with its group. One that is known already moves to the group named here.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      group: required(1, 'uint', 'what is ended together: one session, or one request to end something'),
      pid: required(2, 'uint', 'the process'),
      startTicks: required(3, 'uint', 'its start time, field 22 of /proc/PID/stat'),
      graceMs: required(4, 'uint', 'time between TERM and KILL'),
      alone: required(5, 'flag', 'a holder: what it started is not ended with it'),
      covers: required(6, 'flag', 'a supervisor behind a lock screen: it is not stopped before it is ended'),
    },
    reply: {},
  }),
  'reaper.forget': message({
    id: 65,
    route: 'daemon>reaper',
    about: 'This process, and what was seen to come of it, is not to be ended any more.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      pid: required(1, 'uint', 'the process'),
      startTicks: required(2, 'uint', 'its start time'),
    },
    reply: {},
  }),
  'reaper.spare': message({
    id: 68,
    route: 'daemon>reaper',
    about: 'A held job: the next `reaper.end` leaves it, and what it started, alone. A deadline does not.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      pid: required(1, 'uint', 'the process'),
      startTicks: required(2, 'uint', 'its start time'),
    },
    reply: {},
  }),
  'reaper.live': message({
    id: 66,
    route: 'daemon>reaper',
    about: 'Heartbeat, and a group’s deadline as it stands: two seconds past it the reaper ends the group.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      group: required(1, 'uint', 'the group'),
      deadlineBootMs: required(2, 'uint', 'on the clock that counts suspended time'),
      lifetimeWallMs: required(3, 'uint', 'end of the lifetime in wall-clock ms'),
    },
    reply: { watched: required(1, 'uint', 'processes that are left to watch, those seen included') },
  }),
  'reaper.end': message({
    id: 67,
    route: 'daemon>reaper',
    about: 'End a group. Answered when nothing of it is left, so out of turn.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: { group: required(1, 'uint', 'the group') },
    reply: {
      group: required(1, 'uint', 'the group'),
      left: required(2, 'text', 'pids that could not be ended, comma and blank between them', 1024),
    },
  }),
  'screen.follow': message({
    id: 80,
    route: 'supervisor>screen',
    about:
      'Read the log up to here, and where that is asked for write what draws the screen as it is then, or a line over ' +
      'it. Answered when that is done.',
    needsUnlocked: false,
    mayShowPresence: false,
    request: {
      end: required(1, 'uint', 'bytes of the log'),
      draw: required(2, 'flag', 'write it'),
      overlay: optional(
        3,
        'text',
        'write what draws this line over the last one, and what takes it away',
        512,
      ),
      begin: required(4, 'uint', 'where the log begins, for a process that has read nothing of it yet'),
    },
    reply: {
      length: required(1, 'uint', 'bytes that draw; 0 where none were asked for, or none are certain'),
      back: required(2, 'uint', 'bytes behind them that take the line away'),
    },
  }),
  'gateway.hold': message({
    id: 96,
    route: 'keeper>gateway',
    about: 'A credential, and the API servers that it is for. Replaces one of the same id.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: { credential: required(1, 'secret', 'a HeldCredential as JSON', limits.jsonBytes) },
    reply: {},
    told: true,
  }),
  'gateway.admit': message({
    id: 97,
    route: 'keeper>gateway',
    about:
      'A pass that a client is about to be given. What is told is its digest: the pass itself is the client’s alone.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: {
      digest: required(1, 'text', 'SHA-256 of the pass, in hex', 64),
      credential: required(2, 'text', 'what it is good for: credential id', 256),
      pid: required(3, 'uint', 'the only process that may use it, with what it starts'),
      startTicks: required(4, 'uint', 'its start time'),
      untilWallMs: required(5, 'uint', 'its end in wall-clock ms'),
    },
    reply: {},
    told: true,
  }),
  'gateway.narrow': message({
    id: 98,
    route: 'keeper>gateway',
    about:
      'Serve these clients alone from now on. Answered when all that is under way of others has been ended.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: { clients: required(1, 'textList', 'PID:START', 64) },
    reply: {},
  }),
  'gateway.request': message({
    id: 99,
    route: 'gateway>keeper',
    about:
      'A request to an API server: when it begins, when it has ended, and in between, where that takes more than a second.',
    needsUnlocked: true,
    mayShowPresence: false,
    request: apiRequestFields,
    reply: {},
    told: true,
  }),
} as const

export type MessageName = keyof typeof messages
export type RequestOf<Name extends MessageName> = ValueOf<(typeof messages)[Name]['request']>
export type ReplyOf<Name extends MessageName> = ValueOf<(typeof messages)[Name]['reply']>

/** An error reply has this id whatever the request was; its layout is the same in every version. */
export const errorId = 0x8000
export const replyBit = 0x8000
export const errorFields = {
  code: required(1, 'text', 'a code of docs/errors.md', 64),
  message: required(2, 'text', 'one line'),
  cure: required(3, 'text', 'one line: how to go on'),
  exitCode: required(4, 'uint', 'what the client exits with'),
} as const
export type ErrorReply = ValueOf<typeof errorFields>
