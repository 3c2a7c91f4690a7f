import { expect, test } from 'vitest'
import { classifyTool } from '../../../src/domain/tool-command.ts'

const words = (line: string): string[] => (line === '' ? [] : line.split(' '))
const of = (line: string): ReturnType<typeof classifyTool> => {
  const [tool = '', ...args] = words(line)
  return classifyTool(tool, args)
}

test.each([
  'k9s',
  'k9s --context prod',
  'stern web',
  'flux get all',
  'helm list',
  'helm upgrade web chart --install',
  'helm --debug version',
  'oc rsh web -- top --help',
  'oc exec -it web -- sh -h',
  'stern --since 1h --help',
  'argocd app create a b c --help',
  'stern help-desk',
])('%s may stream', (line) => {
  expect(of(line)).toMatchObject({ verbClass: 'live', completion: false })
})

test.each(['k9s version', 'istioctl completion zsh', 'flux help', 'stern --version', 'k9s --help', 'oc -h'])(
  '%s is most likely answered by the tool itself',
  (line) => {
    expect(of(line).verbClass).toBe('unasked')
  },
)

test.each(['flux create source --help', 'helm install --help', 'helm upgrade -h'])('%s is help', (line) => {
  expect(of(line).verbClass).toBe('unasked')
})

test.each(['helm', 'helm version', 'helm template web chart', 'helm repo update', 'helm lint .'])(
  '%s meets no cluster',
  (line) => {
    expect(of(line).verbClass).toBe('local')
  },
)

test.each<[string[], string]>([
  [['__complete', ''], 'local'],
  [['__complete', 'li'], 'local'],
  [['__completeNoDesc', 'list', '--out'], 'local'],
  [['__complete', 'list', '--namespace='], 'unary'],
  [['__complete', 'status', ''], 'unary'],
  [['get', 'workflow', '--generate-bash-completion'], 'unary'],
  [['get', '--generate-shell-completion'], 'unary'],
])('%j is a completion, %s', (args, verbClass) => {
  expect(classifyTool('argo', args)).toMatchObject({ completion: true, verbClass })
})

test.each<[string, string | undefined, string | undefined]>([
  ['k9s', undefined, undefined],
  ['k9s --context prod', 'prod', undefined],
  ['stern --context=prod web', 'prod', undefined],
  ['helm list --kube-context prod', 'prod', undefined],
  ['velero backup get --kubecontext prod --kubeconfig /k', 'prod', '/k'],
  ['operator -kubeconfig=/k', undefined, '/k'],
  ['stern --context a --context b', 'b', undefined],
  ['stern --context= web', undefined, undefined],
  ['stern --context', undefined, undefined],
  ['oc exec web -- tool --context prod', undefined, undefined],
  ['stern --contexts prod', undefined, undefined],
  ['k9s --kubeconfig --context', undefined, '--context'],
])('%s: context %s, kubeconfig %s', (line, context, kubeconfig) => {
  const { context: named, kubeconfig: file } = of(line)
  expect([named, file]).toEqual([context, kubeconfig])
})

test('a context with odd characters is taken whole', () => {
  const { context } = classifyTool('stern', ['--context=arn:aws:eks:a\nb=c'])
  expect(context).toBe('arn:aws:eks:a\nb=c')
})
