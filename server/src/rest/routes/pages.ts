/** The page at `/`: where to go from here. */
import type { RestDoor } from '../door.js'
import { type App, sendText } from '../route.js'

const LINKS: readonly (readonly [address: string, meaning: string])[] = [
  ['/docs', 'every address, with forms to try it'],
  ['/openapi.json', 'the same as OpenAPI 3.1'],
  ['/v1/tasks', 'the latest tasks'],
  ['/v1/templates', 'the registered templates'],
  ['/v1/workers', 'the workers'],
  ['/v1/queues', 'the steps that wait for a worker'],
  ['/health/detailed', 'health with figures'],
  ['/metrics', 'metrics for Prometheus'],
  ['/config', 'the settings in force'],
]

export const addPages = (app: App, door: RestDoor): void => {
  const page = frontPage(door.info.version)
  app.get('/', { schema: { hide: true } }, async (_, reply) => sendText(reply, 'text/html; charset=utf-8', page))
}

const frontPage = (version: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tasker</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}td{padding-right:2rem}</style>
<h1>Tasker ${escaped(version)}</h1>
<p>The server runs. From here:</p>
<table>
${LINKS.map(([address, meaning]) => `<tr><td><a href="${address}">${address}</a></td><td>${meaning}</td></tr>`).join('\n')}
</table>
</html>
`

const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
