import { expect, test } from 'vitest'
import { pathOf, routeOf } from '../../client/routes.ts'

test('every screen has its path, and leads back to it', () => {
  for (const path of [
    '/',
    '/licenses',
    '/licenses/l59',
    '/assignments',
    '/connectors',
    '/connectors/j3csjn4ddsm2rzo26dmh',
    '/connectors/j3csjn4ddsm2rzo26dmh/subscriptions',
    '/people',
    '/people/users/u17',
    '/people/devices/d42',
    '/people/groups/j3csjn4ddsm2rzo26dmh',
    '/people/self-service',
    '/activity',
    '/outbox',
    '/sign-in',
  ]) {
    const route = routeOf(path)
    expect(route.is, path).not.toBe('not-found')
    expect(pathOf(route)).toBe(path)
  }
})

test('a slash at the end changes nothing', () => {
  expect(routeOf('/licenses/')).toEqual({ is: 'licenses' })
  expect(routeOf('/licenses/l59/')).toEqual({ is: 'license', id: 'l59' })
})

test('what leads nowhere is not found, and is never taken for an id', () => {
  for (const path of [
    '/nowhere',
    '/licenses/l59/seats',
    '/licenses/l59/subscriptions',
    '/connectors/UPPER/subscriptions',
    '/connectors/j3csjn4ddsm2rzo26dmh/subscriptions/1',
    '/licenses/%',
    '/licenses/..%2Fadmins',
    '/licenses/UPPER',
    '/outbox/1',
    '/people/u17',
    '/people/users/d42',
    '/people/devices/u17',
    '/people/users/u017',
    '/people/users/u17/seats',
    '/people/groups/UPPER',
    '/people/groups',
    '/people/groups/g1/members',
    '//example.org',
  ])
    expect(routeOf(path), path).toEqual({ is: 'not-found', path })
})
