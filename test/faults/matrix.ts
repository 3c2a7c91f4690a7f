import { passphrase } from '../fixtures/home.ts'

/** What goes wrong, in the order of docs/reliability.md; test/faults/injector.c knows them by these names. */
export const faults = {
  kill: 'killed (SIGKILL)',
  stop: 'stopped for 4 s (SIGSTOP)',
  ENOSPC: 'disk full from there on',
  EIO: 'one call fails with EIO',
  EROFS: 'read-only from there on',
  EMFILE: 'no descriptor from there on',
} as const
export type Fault = keyof typeof faults

/** From what an operation begins: a kubeconfig as the playground writes it, an adopted one, one that was put back. */
export type Beginning = 'plain' | 'guarded' | 'ejected'

export interface Operation {
  readonly from: Beginning
  /** Rules of every policy beside its limits. */
  readonly rules?: string
  /** What is run before anything counts. */
  readonly before?: string
  /** The operation, in a shell: `$KG` is kubeguard, `$PW` and `$NEW` files with what `--passphrase-fd` reads. */
  readonly run: string
  /** Programs of which each point is tried. */
  readonly programs: readonly string[]
  /** Credentials are on their way into the kubeconfig or out of it: the file may hold them. */
  readonly moves?: boolean
  /** The session may be open afterwards, also where the command failed. */
  readonly opens?: boolean
}

export const newPassphrase = `${passphrase} anew`
/** A token that another program writes. */
export const strangerToken = 'token-of-a-stranger-0f3a91'

const unlock = '$KG unlock default --passphrase-fd 3 3<$PW'
const begun = `${unlock} >$LOG 2>&1`
const materialize = '    materialize: true\n'
const gateway = '    access: gateway\n'

export const operations: Readonly<Record<string, Operation>> = {
  'init': {
    from: 'plain',
    run: '$KG init --yes --passphrase-fd 3 3<$PW',
    programs: ['cli', 'daemon', 'keeper', 'scribe'],
    moves: true,
  },
  'adopt': {
    from: 'ejected',
    run: '$KG adopt --yes',
    programs: ['cli', 'daemon', 'scribe'],
    moves: true,
  },
  'eject': {
    from: 'guarded',
    run: '$KG eject --yes --passphrase-fd 3 3<$PW',
    programs: ['cli', 'daemon', 'keeper', 'scribe'],
    moves: true,
  },
  'unlock': { from: 'guarded', run: unlock, programs: ['cli', 'daemon', 'keeper'], opens: true },
  'unlock, materialised': {
    from: 'guarded',
    rules: materialize,
    run: unlock,
    programs: ['daemon', 'keeper', 'scribe'],
    opens: true,
  },
  'lock': { from: 'guarded', before: begun, run: '$KG lock', programs: ['cli', 'daemon'], opens: true },
  'lock, materialised': {
    from: 'guarded',
    rules: materialize,
    before: begun,
    run: '$KG lock',
    programs: ['daemon', 'scribe'],
    opens: true,
  },
  'lock of a live process': {
    from: 'guarded',
    before: `${begun}
      kubectl port-forward pod/web-0 :8080 >$LOG 2>&1 &
      until $KG ps | grep -q port-forward; do sleep 0.1; done`,
    run: '$KG lock',
    programs: ['daemon', 'kubeguard-reaper'],
    opens: true,
  },
  'a terminal in a pod': {
    from: 'guarded',
    before: begun,
    run: `sleep 3 | script -qec 'kubectl exec -it web-0 -n default -- sh' /dev/null >$LOG 2>&1 &
      tries=0; until $KG ps | grep -q exec || [ $((tries += 1)) -gt 9 ]; do sleep 0.1; done; $KG lock`,
    programs: ['kubeguard-native', 'kubeguard-supervisor'],
    opens: true,
  },
  'a request': {
    from: 'guarded',
    before: begun,
    run: 'kubectl get pods',
    programs: ['daemon', 'keeper'],
    opens: true,
  },
  'a request by the gateway': {
    from: 'guarded',
    rules: gateway,
    before: begun,
    run: 'kubectl get pods',
    programs: ['keeper', 'gateway'],
    opens: true,
  },
  'lock of a gateway': {
    from: 'guarded',
    rules: gateway,
    before: begun,
    run: '$KG lock',
    programs: ['daemon'],
    opens: true,
  },
  'passwd': {
    from: 'guarded',
    run: '$KG passwd --passphrase-fd 3 3<$NEW',
    programs: ['cli', 'daemon', 'keeper'],
  },
  'a change of policy': {
    from: 'guarded',
    before: begun,
    run: 'sed -i s/10m/5m/ $KUBEGUARD_HOME/config/config.yaml; $KG policy; $KG status',
    programs: ['cli', 'daemon'],
    opens: true,
  },
  'absorb': {
    from: 'guarded',
    before: '$KG daemon start >$LOG 2>&1',
    run: `$KUBECTL config set-credentials stranger --token ${strangerToken}
      tries=0; while grep -q ${strangerToken} $HOME/.kube/config && [ $((tries += 1)) -lt 60 ]; do sleep 0.1; done`,
    programs: ['daemon', 'scribe'],
    moves: true,
  },
  'uninstall': {
    from: 'guarded',
    run: '$KG uninstall --yes --passphrase-fd 3 3<$PW',
    programs: ['cli', 'daemon', 'keeper', 'scribe'],
    moves: true,
  },
}

const kinds = { files: 1, step: 2, gives: 4, grows: 32, makes: 64 } as const

/** Kinds of calls, as the injector prints them, at which a fault is put. */
export const suits: Readonly<Record<Fault, number>> = {
  kill: kinds.files | kinds.step | kinds.makes,
  stop: kinds.files | kinds.step | kinds.makes,
  ENOSPC: kinds.grows,
  EIO: kinds.files,
  EROFS: kinds.files,
  EMFILE: kinds.gives,
}
