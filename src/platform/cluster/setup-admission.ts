import { mostOfPerson, sessionPrefix } from './session-objects.ts'
import type { Setup } from './setup-objects.ts'

const group = 'rbac.authorization.k8s.io'
const admission = 'admissionregistration.k8s.io/v1'

/** The name that the policy has in its cluster. */
const admissionName = (home: string): string => `${home}.kubeguard.dev`

/**
 * What RBAC can't say: whose a session is. It judges nobody but who may open sessions here, and sessions themselves; not
 * who may do everything anyway.
 */
export function admissionObjects({ home, within }: Setup, labels: object): object[] {
  const name = admissionName(home)
  const places = ['', home, ...within.keys()].map((place) => `'${place}'`).join(', ')
  return [
    {
      apiVersion: admission,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name, labels },
      spec: {
        failurePolicy: 'Fail',
        // With what would hold unsaid: else whatever keeps the cluster as this file has it sees a difference.
        matchConstraints: {
          matchPolicy: 'Equivalent',
          namespaceSelector: {},
          objectSelector: {},
          resourceRules: [
            rule(group, ['clusterroles', 'clusterrolebindings', 'roles', 'rolebindings']),
            rule('', ['secrets', 'serviceaccounts', 'serviceaccounts/token']),
          ],
        },
        matchConditions: [
          { name: 'person-or-session', expression: `${isSession(home)} || ${mayOpen(home)}` },
          { name: 'not-who-may-do-anything', expression: `!${mayEscalate}` },
        ],
        variables: variables(home),
        validations: [
          {
            expression:
              'variables.isPerson || variables.isEnding || !(variables.isHome || variables.isRight)',
            message:
              'kubeguard: a session changes no rights, makes no tokens, and leaves other sessions alone',
            reason: 'Forbidden',
          },
          {
            expression: `!variables.isPerson || !(variables.isHome || variables.isRbac && variables.place in [${places}]) || variables.isOwn`,
            message:
              'kubeguard: this credential opens and ends its own sessions, and changes nothing else here',
            reason: 'Forbidden',
          },
          {
            expression: `!(variables.isPerson && variables.isOwn) || variables.subjects.all(one, one.kind == 'ServiceAccount' && one.namespace == '${home}' && one.name == request.name)`,
            message: 'kubeguard: the rights of a session are for that session alone',
            reason: 'Forbidden',
          },
        ],
      },
    },
    {
      apiVersion: admission,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name, labels },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ]
}

const rule = (apiGroup: string, resources: readonly string[]): object => ({
  apiGroups: [apiGroup],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  resources: [...resources],
  scope: '*',
})

const isSession = (home: string): string => `('system:serviceaccounts:${home}' in request.userInfo.groups)`
const mayOpen = (home: string): string =>
  `authorizer.group('kubeguard.dev').resource('sessions').name('${home}').check('open').allowed()`
const mayEscalate = `authorizer.group('${group}').resource('clusterroles').check('escalate').allowed()`

const variables = (home: string): object[] => [
  { name: 'isPerson', expression: `!${isSession(home)}` },
  {
    // As session-objects.ts makes names of it.
    name: 'words',
    expression: "request.userInfo.username.lowerAscii().findAll('[a-z0-9]+').join('-')",
  },
  {
    name: 'slug',
    expression: `size(variables.words) == 0 ? 'x' : size(variables.words) > ${mostOfPerson} ? variables.words.substring(0, ${mostOfPerson - 1}) + 'x' : variables.words`,
  },
  {
    name: 'isOwn',
    expression: `request.operation != 'UPDATE' && request.name.startsWith('${sessionPrefix}' + variables.slug + '.')`,
  },
  {
    name: 'isEnding',
    expression: `request.operation == 'DELETE' && request.userInfo.username == 'system:serviceaccount:${home}:' + request.name + '-ender'`,
  },
  // Absent where the object is of the whole cluster.
  { name: 'place', expression: "has(request.namespace) ? request.namespace : ''" },
  { name: 'isHome', expression: `variables.place == '${home}'` },
  {
    name: 'subjects',
    expression: "request.operation == 'CREATE' && has(dyn(object).subjects) ? dyn(object).subjects : []",
  },
  { name: 'isRbac', expression: `request.resource.group == '${group}'` },
  {
    // What would go on when the session is over.
    name: 'isRight',
    expression: `variables.isRbac || has(request.subResource) && request.subResource == 'token' || request.resource.resource == 'secrets' && request.operation != 'DELETE' && has(dyn(object).type) && dyn(object).type == 'kubernetes.io/service-account-token'`,
  },
]
