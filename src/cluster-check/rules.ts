import type { Severity } from '../domain/audit-rules.ts'
import { leakRules } from './leak-rules.ts'
import {
  everywhere,
  everywhereAnd,
  notToBeSet,
  serverFlag,
  controllerFlag,
  kubeletSetting,
} from './settings.ts'
import type { Settings } from './settings.ts'

export interface ClusterRule {
  readonly severity: Severity
  readonly title: string
  /** What closes it. {name}, {namespace}, {kind} and {id} stand for those of the object that was found. */
  readonly settings: Settings
}

/** Refuses long grants where no flag can be set. docs/cluster-check.md has the whole policy, which a test applies. */
const longTokenPolicy =
  'the flag is the provider’s; a ValidatingAdmissionPolicy on serviceaccounts/token closes it all the same: object.spec.expirationSeconds <= 3607 (docs/cluster-check.md has it whole)'

/** Kubernetes documents claims as CEL sees them; a test has a real API server refuse a longer token by it. */
export const lifetimeRule = 'claims.exp - claims.iat <= 900'

const lifetimeSetting = `in the file that --authentication-config names, for each of jwt: claimValidationRules: [{expression: "${lifetimeRule}", message: "a token of 15 minutes at most"}]`

/** Since 1.31; the flag has to be left out then. */
const probesOnly =
  'in the file that --authentication-config names: anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}, {path: /healthz}]}'

const mountedFile = (file: string): string =>
  `${file}; mount the file in apiServer.extraVolumes of the ClusterConfiguration`

const bootstrapTokenSettings = everywhereAnd('kubectl delete secret -n {namespace} {name}', {
  kubeadm: 'kubeadm token delete {id}; for the next machine: kubeadm token create --ttl 1h',
  k3s: 'k3s token delete {id}; for the next machine: k3s token create --ttl 1h',
  aks: 'the nodes’ own are AKS’s; of others: kubectl delete secret -n {namespace} {name}',
})

/**
 * Every kind of gap that `kubeguard cluster check` finds. An id is never reused: CI files name them.
 * docs/cluster-check.md is generated from here.
 */
export const clusterRules = {
  'token-request-long': {
    severity: 'high',
    title: 'TokenRequest gives out tokens for longer than a day',
    settings: {
      ...serverFlag('service-account-max-token-expiration', '1h'),
      eks: longTokenPolicy,
      gke: longTokenPolicy,
      aks: longTokenPolicy,
    },
  },
  'pod-token-extended': {
    severity: 'medium',
    title: 'pods’ tokens, which say an hour, are good for up to a year',
    settings: {
      ...serverFlag('service-account-extend-token-expiration', 'false'),
      ...notToBeSet(
        'mount tokens by projection with another expirationSeconds than 3607: such are not extended',
      ),
    },
  },
  'token-secret': {
    severity: 'high',
    title: 'a service account token in a Secret, which never ends',
    settings: everywhere(
      'kubectl delete secret -n {namespace} {name}; for what uses it: kubectl create token, or a projected volume',
    ),
  },
  'bootstrap-token-endless': {
    severity: 'high',
    title: 'a bootstrap token without an end, which joins machines to the cluster',
    settings: bootstrapTokenSettings,
  },
  'bootstrap-token-long': {
    severity: 'medium',
    title: 'a bootstrap token that is good for more than a day',
    settings: bootstrapTokenSettings,
  },
  'anonymous-rights': {
    severity: 'high',
    title: 'who shows no credential at all has rights',
    settings: everywhere('kubectl delete {kind} {name}, or take the anonymous subjects out of it'),
  },
  'anonymous-access': {
    severity: 'low',
    title:
      'requests without a credential are let in as system:anonymous: one careless binding opens the cluster',
    settings: {
      ...serverFlag('anonymous-auth', 'false'),
      server: `--anonymous-auth=false; where probes come without a credential, ${probesOnly} instead`,
      kubeadm: `${probesOnly}: kubeadm’s own probes come without a credential, so not --anonymous-auth=false; kubeadm join wants {path: /api/v1/namespaces/kube-public/configmaps/cluster-info}, too`,
      eks: 'upgrade: since 1.32 EKS lets anonymous requests reach /livez, /readyz and /healthz alone',
      gke: 'gcloud container clusters update CLUSTER --anonymous-authentication-config=LIMITED',
      aks: 'the flag is Azure’s; bind nothing to system:anonymous or system:unauthenticated',
    },
  },
  'client-certificate-issued': {
    severity: 'medium',
    title: 'a client certificate was signed for longer than a day: it can’t be revoked',
    settings: everywhereAnd(
      'ask with spec.expirationSeconds: 3600, and delete what {name} was given rights by',
      {
        eks: 'EKS signs none for kubernetes.io/kube-apiserver-client; delete what {name} was given rights by',
      },
    ),
  },
  'client-certificate-signing': {
    severity: 'medium',
    title: 'the cluster signs client certificates for longer than a day, where nobody asks for less',
    settings: {
      ...controllerFlag('cluster-signing-duration', '24h'),
      eks: 'nothing to do: EKS signs no client certificates for people',
      gke: 'gcloud container clusters create … --no-issue-client-certificate; RBAC: approve on signers for nobody but controllers',
      aks: 'az aks update -g GROUP -n CLUSTER --disable-local-accounts; RBAC: approve on signers for nobody but controllers',
    },
  },
  'client-certificate-in-use': {
    severity: 'low',
    title:
      'client certificates with more than a day left are in use; the cluster’s own parts may be among them',
    settings: everywhereAnd(
      'work as a user of an identity provider; keep certificates for the cluster’s own parts',
      {
        kubeadm:
          'kubeadm certs check-expiration lists its own; people: an identity provider, by --authentication-config',
        aks: 'az aks update -g GROUP -n CLUSTER --disable-local-accounts',
        gke: 'rotate them away: gcloud container clusters update CLUSTER --start-credential-rotation; then no client certificate is issued',
      },
    ),
  },
  'credential-certificate': {
    severity: 'medium',
    title: 'this very credential is a client certificate: nothing can revoke it, wherever it was copied to',
    settings: everywhereAnd(
      'work as a user of an identity provider (unlock: [oidc] in the policy), and let the certificate expire',
      {
        eks: 'aws eks create-access-entry, and aws eks get-token as the exec plugin',
        gke: 'gke-gcloud-auth-plugin in the kubeconfig',
        aks: 'az aks update -g GROUP -n CLUSTER --disable-local-accounts, and kubelogin in the kubeconfig',
      },
    ),
  },
  'jwt-without-lifetime': {
    severity: 'high',
    title: 'tokens of an identity provider are taken however long they are good for',
    settings: {
      server: lifetimeSetting,
      kubeadm: `${lifetimeSetting}; a change of the file is read within a minute`,
      k3s: `${lifetimeSetting} (kube-apiserver-arg: ["authentication-config=FILE"])`,
      eks: 'aws eks associate-identity-provider-config takes no rules: set the ID token’s lifetime at the provider to 15 minutes',
      gke: 'no rules to be set: set the session’s length in the workforce pool, gcloud iam workforce-pools update POOL --session-duration=900s',
      aks: `az aks jwtauthenticator update: claimValidationRules: [{expression: "${lifetimeRule}"}]`,
    },
  },
  'oidc-flags': {
    severity: 'medium',
    title: 'an identity provider is set by flags, which know no rule about how long a token may be good for',
    settings: {
      server: `--authentication-config=FILE in the place of --oidc-*; ${lifetimeSetting}`,
      kubeadm: mountedFile('--authentication-config=FILE in the place of --oidc-* in apiServer.extraArgs'),
      k3s: 'kube-apiserver-arg: ["authentication-config=FILE"] in the place of oidc-*',
      ...notToBeSet('set the ID token’s lifetime at the provider to 15 minutes'),
    },
  },
  'static-token-file': {
    severity: 'high',
    title: 'a file of static tokens, which never end',
    settings: {
      server: 'remove --token-auth-file',
      kubeadm:
        'remove token-auth-file from apiServer.extraArgs of the ClusterConfiguration, then on each control plane node: kubeadm init phase control-plane apiserver --config FILE',
      k3s: 'remove token-auth-file from kube-apiserver-arg, then restart the server',
      ...notToBeSet('nothing to do: none is set'),
    },
  },
  'kubelet-streams': {
    severity: 'medium',
    title: 'the kubelet keeps exec, attach and port-forward open while nothing goes through',
    settings: {
      ...kubeletSetting('streamingConnectionIdleTimeout', 'streaming-connection-idle-timeout', '15m'),
      eks: 'NodeConfig of nodeadm, in the nodes’ user data: spec: {kubelet: {config: {streamingConnectionIdleTimeout: 15m}}}',
      gke: 'not among the kubelet’s settings that GKE takes: rely on the lock, which ends the client',
      aks: 'not among the kubelet’s settings that AKS takes: rely on the lock, which ends the client',
    },
  },
  'system-masters': {
    severity: 'high',
    title: 'this very credential is of system:masters, whose rights nothing in the cluster can take away',
    settings: everywhereAnd(
      'keep it offline for emergencies, and work as a user whose rights come from RBAC',
      {
        kubeadm:
          'kubeadm kubeconfig user --client-name NAME --validity-period 24h; keep super-admin.conf offline',
        eks: 'aws-auth: no mapping to system:masters; aws eks create-access-entry with AmazonEKSViewPolicy or AmazonEKSEditPolicy',
        gke: 'the IAM role container.viewer or container.developer in the place of container.admin',
        aks: 'az aks get-credentials without --admin; az aks update -g GROUP -n CLUSTER --disable-local-accounts',
      },
    ),
  },
  'cluster-admin-for-all': {
    severity: 'high',
    title: 'everybody, or every pod, has all rights',
    settings: everywhere('kubectl delete {kind} {name}'),
  },
  'cluster-admin': {
    severity: 'medium',
    title: 'somebody has all rights at all times',
    settings: everywhereAnd('kubectl delete {kind} {name}, and bind what is needed, for as long as it is', {
      eks: 'aws eks list-access-entries shows those that EKS itself knows; of this one: kubectl delete {kind} {name}',
      gke: 'the IAM role container.admin is the same, and not seen here; of this one: kubectl delete {kind} {name}',
      aks: 'Azure’s own role assignments are not seen here; of this one: kubectl delete {kind} {name}',
    }),
  },
  ...leakRules,
  'audit-off': {
    severity: 'high',
    title: 'the API server keeps no audit log: nobody will know what a stolen credential did',
    settings: {
      server:
        '--audit-policy-file=FILE and --audit-log-path=FILE; the least policy: {apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}',
      kubeadm: mountedFile('audit-policy-file and audit-log-path in apiServer.extraArgs'),
      k3s: 'kube-apiserver-arg: ["audit-policy-file=FILE", "audit-log-path=FILE"] in /etc/rancher/k3s/config.yaml (RKE2: audit-policy-file: FILE)',
      eks: 'aws eks update-cluster-config --name CLUSTER --logging \'{"clusterLogging":[{"types":["audit","authenticator"],"enabled":true}]}\'',
      gke: 'writes are always in Cloud Audit Logs; reads: switch DATA_READ on for container.googleapis.com in the project’s audit configuration',
      aks: 'az monitor diagnostic-settings create --resource ID --name audit --workspace ID --logs \'[{"category":"kube-audit-admin","enabled":true}]\'',
    },
  },
} as const satisfies Record<string, ClusterRule>

export type ClusterRuleId = keyof typeof clusterRules
