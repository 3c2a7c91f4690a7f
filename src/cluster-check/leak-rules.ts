import { everywhereAnd } from './settings.ts'

/** Less rights for whoever works with this credential: RBAC where it decides, the provider’s own roles beside it. */
const lessRights = (without: string) =>
  everywhereAnd(
    `bind a role without ${without} (kubectl auth can-i --list shows what there is), and more only for as long as it is needed`,
    {
      eks: `the access entry’s policy AmazonEKSViewPolicy, or a role without ${without}`,
      gke: `the IAM role container.viewer, or a role without ${without}`,
      aks: `the role Azure Kubernetes Service RBAC Reader, or a role without ${without}`,
    },
  )

/** What could be done with this very credential, were it copied. The severity is that of a right in the whole cluster. */
export const leakRules = {
  'leak-everything': {
    severity: 'high',
    title: 'a copy of this credential could do everything',
    settings: lessRights('verbs: ["*"] on resources: ["*"]'),
  },
  'leak-secrets': {
    severity: 'high',
    title: 'a copy of this credential could read Secrets',
    settings: lessRights('get, list and watch on secrets'),
  },
  'leak-exec': {
    severity: 'high',
    title: 'a copy of this credential could run commands in pods, or reach their ports',
    settings: lessRights(
      'create and get on pods/exec, pods/attach and pods/portforward, patch on pods/ephemeralcontainers',
    ),
  },
  'leak-workloads': {
    severity: 'high',
    title: 'a copy of this credential could start programs, as any service account there',
    settings: lessRights(
      'create, update and patch on pods, deployments, daemonsets, statefulsets, jobs and cronjobs',
    ),
  },
  'leak-tokens': {
    severity: 'high',
    title: 'a copy of this credential could make tokens of service accounts, which outlive it',
    settings: lessRights('create on serviceaccounts/token, and on secrets'),
  },
  'leak-impersonate': {
    severity: 'high',
    title: 'a copy of this credential could act as somebody else',
    settings: lessRights('impersonate on users, groups and serviceaccounts'),
  },
  'leak-escalate': {
    severity: 'high',
    title: 'a copy of this credential could give itself more rights',
    settings: lessRights('escalate and bind on roles and clusterroles'),
  },
  'leak-certificates': {
    severity: 'high',
    title: 'a copy of this credential could have client certificates signed, which nothing revokes',
    settings: lessRights('update on certificatesigningrequests/approval, approve on signers'),
  },
  'leak-nodes': {
    severity: 'high',
    title:
      'a copy of this credential could speak to kubelets, and so run commands in pods past the audit log',
    settings: lessRights('nodes/proxy'),
  },
  'leak-webhooks': {
    severity: 'high',
    title: 'a copy of this credential could put itself between everybody and the API server',
    settings: lessRights(
      'create, update and patch on mutatingwebhookconfigurations and validatingwebhookconfigurations',
    ),
  },
} as const
