/** The process that `server/icon-process.ts` begins: it draws what it is sent, and ends with its channel. */
import * as v from 'valibot'
import { drawIcon } from './icon-drawing.ts'

const askedForm = v.object({ picture: v.instance(Uint8Array) })

process.on('disconnect', () => process.exit(0))
process.on('message', (message: unknown) => {
  const { picture } = v.parse(askedForm, message)
  void drawIcon(picture).then((drawn) => process.send?.(drawn.ok ? { is: 'drawn', ...drawn.value } : { is: 'no-picture' }))
})
process.send?.({ is: 'ready' })
