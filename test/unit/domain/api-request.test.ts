import { expect, test } from 'vitest'
import { readApiRequest } from '../../../src/domain/api-request.ts'

/** Verb, resource, namespace, name, as apiserver's requestinfo_test.go has them, and a few more. */
test.each([
  ['GET', '/api/v1/namespaces', 'list', 'namespaces', '', ''],
  ['GET', '/api/v1/namespaces/other', 'get', 'namespaces', 'other', 'other'],
  ['GET', '/api/v1/namespaces/other/pods', 'list', 'pods', 'other', ''],
  ['GET', '/api/v1/namespaces/other/pods/', 'list', 'pods', 'other', ''],
  ['GET', '/api/v1/namespaces/other/pods/foo', 'get', 'pods', 'other', 'foo'],
  ['HEAD', '/api/v1/namespaces/other/pods/foo', 'get', 'pods', 'other', 'foo'],
  ['GET', '/api/v1/pods', 'list', 'pods', '', ''],
  ['POST', '/api/v1/namespaces/other/pods', 'create', 'pods', 'other', ''],
  ['PUT', '/api/v1/namespaces/other/finalize', 'update', 'namespaces/finalize', 'other', 'other'],
  ['PUT', '/api/v1/namespaces/other/status', 'update', 'namespaces/status', 'other', 'other'],
  ['GET', '/api/v1/namespaces/other/pods/foo/log?follow=true', 'get', 'pods/log', 'other', 'foo'],
  ['POST', '/api/v1/namespaces/other/pods/foo/exec?command=sh', 'create', 'pods/exec', 'other', 'foo'],
  ['GET', '/api/v1/namespaces/other/pods/foo/proxy/a/b', 'get', 'pods/proxy', 'other', 'foo'],
  ['PATCH', '/apis/apps/v1/namespaces/other/deployments/x/scale', 'patch', 'deployments/scale', 'other', 'x'],
  ['GET', '/apis/apps/v1/deployments?watch=true', 'watch', 'deployments', '', ''],
  ['GET', '/api/v1/pods?a=b&watch=1', 'watch', 'pods', '', ''],
  ['GET', '/api/v1/pods?watch=false', 'list', 'pods', '', ''],
  ['GET', '/api/v1/pods?watch=', 'watch', 'pods', '', ''],
  ['GET', '/api/v1/pods?w%61tch=yes', 'watch', 'pods', '', ''],
  ['GET', '/api/v1/pods?watch=False&watch=1', 'list', 'pods', '', ''],
  ['GET', '/api/v1/watch/pods', 'watch', 'pods', '', ''],
  ['GET', '/api/v1/watch/namespaces/other/pods', 'watch', 'pods', 'other', ''],
  ['GET', '/api/v1/proxy/namespaces/other/pods/foo', 'proxy', 'pods', 'other', 'foo'],
  ['DELETE', '/api/v1/namespaces/other/pods', 'deletecollection', 'pods', 'other', ''],
  ['DELETE', '/api/v1/namespaces/other', 'delete', 'namespaces', 'other', 'other'],
  ['DELETE', '/api/v1/name%73paces/%6fther', 'delete', 'namespaces', 'other', 'other'],
  ['DELETE', '/api/v1/namespaces%2Fother', 'delete', 'namespaces', 'other', 'other'],
  ['GET', '/version', 'get', '', '', ''],
  ['GET', '/api', 'get', '', '', ''],
  ['GET', '/apis/apps/v1', 'get', '', '', ''],
  ['POST', '/', 'post', '', '', ''],
])('%s %s', (method, target, verb, resource, namespace, name) => {
  expect(readApiRequest(method, target)).toEqual({ verb, resource, namespace, name })
})

test.each([
  '/api//v1/pods',
  '/api/v1/namespaces//pods',
  '//api/v1/pods',
  '/api/v1/pods//',
  '/api/%ff',
  '/a/%2F/b',
])('%s could be read in two ways', (target) => expect(readApiRequest('GET', target)).toBeUndefined())
