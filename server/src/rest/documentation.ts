/** The OpenAPI document, made from the schemas that check requests, and the page that shows it. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import { createJsonSchemaTransform } from 'fastify-type-provider-zod'
import type { App } from './route.js'

const DESCRIPTION =
  'Durable execution on an event log. Errors are RFC 9457 problems with a stable `code` and `reason`; writes answer with the header ' +
  '`Tasker-Consistency-Token`, which list queries take back to show them.'

/** Before the routes, so that each is seen. */
export const installDocumentation = async (app: App, version: string): Promise<void> => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Tasker', version, description: DESCRIPTION, license: { name: 'MIT', identifier: 'MIT' } },
      tags: [
        { name: 'tasks' },
        { name: 'steps' },
        { name: 'templates' },
        { name: 'schedules' },
        { name: 'operations' },
        { name: 'health' },
      ],
    },
    transform: createJsonSchemaTransform({}),
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
}

export const addOpenApiRoute = (app: App): void => {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
