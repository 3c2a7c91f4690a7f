import { expect, it } from 'vitest'
import { describeProgram, isWriter } from '../../../src/domain/writer.ts'

it.each([
  'kubectl apply -f -',
  'kubectl --context prod -n web apply -k .',
  'kubectl create deployment web --image=web',
  'kubectl create secret generic a --from-literal=b=c',
  'kubectl delete pod web-0 --wait',
  'kubectl rollout restart deploy/web',
  'kubectl set image deploy/web web=web:2',
  'helm upgrade --install web ./chart',
  'helm -n web --kube-context prod upgrade web ./chart',
  'terraform -chdir=prod apply -auto-approve',
  'tofu destroy',
  'pulumi --cwd web up',
])('%s writes', (line) => {
  const [program = '', ...args] = line.split(' ')
  expect(isWriter(program, args)).toBe(true)
})

it.each([
  'kubectl get pods -w',
  'kubectl exec web-0 -- apply',
  'kubectl logs -f apply',
  'kubectl port-forward apply 8080',
  'kubectl apply --help',
  'kubectl apply view-last-applied pod web-0',
  'kubectl rollout status deploy/apply',
  'kubectl __complete apply -f',
  'kubectl edit deploy web',
  'kubectl run -it shell --image=sh',
  'kubectl apply-everything',
  'helm list upgrade',
  'helm --namespace upgrade list',
  'helm status upgrade',
  'terraform plan apply',
  'terraform',
  'python3 upgrade',
  'k9s apply',
  'sh -c helm upgrade',
])('%s does not, as far as we know', (line) => {
  const [program = '', ...args] = line.split(' ')
  expect(isWriter(program, args)).toBe(false)
})

it.each([
  ['helm -n web upgrade web --set password=secret', 'helm upgrade'],
  ['kubectl --token secret create secret generic a', 'kubectl create secret generic'],
  ['python3 --password secret', 'python3'],
  ['helm --unknown secret/value', 'helm'],
])('%s is described as %s', (line, described) => {
  const [program = '', ...args] = line.split(' ')
  expect(describeProgram(program, args)).toBe(described)
})
