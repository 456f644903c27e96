/** Web apps, and the layout of the store on the devices. */
import { invalid, notFound, Refused } from '../errors.ts'
import { hexOf } from '../accounts.ts'
import type { PlayContext, Plays } from './context.ts'
import { listAnswer, type Json, type StorePage, type WebApp } from './state.ts'

const WEB_APP = 'app:com.google.enterprise.webapp.'
const mostOrderCharacters = 256

const webAppAnswer = ({ world }: PlayContext, id: string, app: WebApp): Json => ({
  webAppId: id,
  title: app.title,
  startUrl: app.startUrl,
  displayMode: app.displayMode,
  icons: app.icons,
  versionCode: String(app.versionCode),
  isPublished: app.publishedAt <= world.clock.now(),
})

const mustWebApp = ({ call, enterprise }: PlayContext): WebApp => {
  const app = enterprise().webApps[call.path['webAppId'] ?? '']
  if (app === undefined) throw notFound('web app')
  return app
}

const formOf = (body: Json): Pick<WebApp, 'title' | 'startUrl' | 'displayMode' | 'icons'> => {
  const { title, startUrl, displayMode = 'minimalUi', icons = [] } = body
  if (typeof title !== 'string' || title === '') throw new Refused(400, 'required', 'Required field: title')
  if (typeof startUrl !== 'string' || !/^https?:\/\//.test(startUrl)) throw new Refused(400, 'required', 'Required field: startUrl')
  if (startUrl.startsWith('http:') && displayMode !== 'minimalUi') throw invalid('A start URL without https allows only minimalUi.')
  return { title, startUrl, displayMode: String(displayMode), icons: Array.isArray(icons) ? icons : [] }
}

const mustPage = ({ call, enterprise }: PlayContext): StorePage => {
  const page = enterprise().pages[call.path['pageId'] ?? '']
  if (page === undefined) throw notFound('page')
  return page
}
const mustName = ({ body }: PlayContext['call']): void => {
  if (!Array.isArray(body['name']) || body['name'].length === 0) throw new Refused(400, 'required', 'Required field: name')
}
const clusterForm = ({ call }: PlayContext): Json => {
  mustName(call)
  if (String(call.body['orderInPage'] ?? '').length > mostOrderCharacters) throw invalid('orderInPage is longer than 256 characters.')
  return call.body
}

export const storefrontPlays: Plays = {
  'webapps.list': (context) =>
    listAnswer(
      'webApp',
      Object.entries(context.enterprise().webApps).map(([id, app]) => webAppAnswer(context, id, app)),
    ),
  'webapps.get': (context) => webAppAnswer(context, context.call.path['webAppId'] ?? '', mustWebApp(context)),
  'webapps.insert': (context) => {
    const { world, call, enterprise } = context
    const id = `${WEB_APP}x${hexOf(world.chance, 8)}`
    const app: WebApp = { ...formOf(call.body), versionCode: 1, publishedAt: world.clock.now() + world.switches.webAppDelayMs }
    enterprise().webApps[id] = app
    enterprise().products[id] = { title: app.title, distributionChannel: 'privateGoogleHosted', productPricing: 'free' }
    return webAppAnswer(context, id, app)
  },
  'webapps.update': (context) => {
    const app = Object.assign(mustWebApp(context), formOf(context.call.body))
    app.versionCode += 1
    app.publishedAt = context.world.clock.now() + context.world.switches.webAppDelayMs
    return webAppAnswer(context, context.call.path['webAppId'] ?? '', app)
  },
  'webapps.delete': (context) => {
    mustWebApp(context)
    delete context.enterprise().webApps[context.call.path['webAppId'] ?? '']
    return undefined
  },

  'enterprises.getStoreLayout': ({ enterprise }) => ({ storeLayoutType: 'basic', ...enterprise().layout }),
  'enterprises.setStoreLayout': ({ call, enterprise }) => (enterprise().layout = call.body),
  'storelayoutpages.list': ({ enterprise }) =>
    listAnswer(
      'page',
      Object.entries(enterprise().pages).map(([id, { members }]) => ({ id, ...members })),
    ),
  'storelayoutpages.get': (context) => ({ id: context.call.path['pageId'] ?? '', ...mustPage(context).members }),
  'storelayoutpages.insert': ({ world, call, enterprise }) => {
    mustName(call)
    const id = `p${hexOf(world.chance, 6)}`
    const { id: _, ...members } = call.body
    enterprise().pages[id] = { members, clusters: {} }
    return { id, ...members }
  },
  'storelayoutpages.update': (context) => {
    const page = mustPage(context)
    mustName(context.call)
    const { id: _, ...members } = context.call.body
    page.members = members
    return { id: context.call.path['pageId'] ?? '', ...members }
  },
  'storelayoutpages.delete': (context) => {
    mustPage(context)
    delete context.enterprise().pages[context.call.path['pageId'] ?? '']
    return undefined
  },
  'storelayoutclusters.list': (context) =>
    listAnswer(
      'cluster',
      Object.entries(mustPage(context).clusters).map(([id, cluster]) => ({ ...cluster, id })),
    ),
  'storelayoutclusters.get': (context) => {
    const id = context.call.path['clusterId'] ?? ''
    const cluster = mustPage(context).clusters[id]
    if (cluster === undefined) throw notFound('cluster')
    return { ...cluster, id }
  },
  'storelayoutclusters.insert': (context) => {
    const id = `c${hexOf(context.world.chance, 6)}`
    mustPage(context).clusters[id] = clusterForm(context)
    return { ...context.call.body, id }
  },
  'storelayoutclusters.update': (context) => {
    const id = context.call.path['clusterId'] ?? ''
    const { clusters } = mustPage(context)
    if (clusters[id] === undefined) throw notFound('cluster')
    clusters[id] = clusterForm(context)
    return { ...context.call.body, id }
  },
  'storelayoutclusters.delete': (context) => {
    const id = context.call.path['clusterId'] ?? ''
    const { clusters } = mustPage(context)
    if (clusters[id] === undefined) throw notFound('cluster')
    delete clusters[id]
    return undefined
  },
}
