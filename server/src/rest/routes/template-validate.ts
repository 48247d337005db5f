/** `POST /v1/templates/validate`: what registering a document would say, without registering it. */
import { type JsonText, jsonOf } from '@tasker/core'
import { readTemplate, type TemplateReading } from '../../templates/parse.js'
import { objectText } from '../json-text.js'
import { type App, sendJson } from '../route.js'
import { problems } from '../schema/problem.js'
import { TEMPLATE_DOCUMENT, VALIDATION } from '../schema/template.js'
import { problemsText } from '../views/problems-text.js'
import { DOCUMENT_BODY } from './templates.js'

export const addValidateRoute = (app: App): void => {
  app.post(
    '/v1/templates/validate',
    {
      config: { body: DOCUMENT_BODY },
      schema: {
        tags: ['templates'],
        summary: 'Check a template without registering it',
        description:
          '200 also for a document with errors: the check was made, `valid` is its answer and `errors` lists every problem.',
        consumes: ['application/yaml', 'application/json'],
        body: TEMPLATE_DOCUMENT,
        response: { 200: VALIDATION, ...problems(413, 415, 422) },
      },
    },
    async ({ body }, reply) => sendJson(reply, 200, validationText(readTemplate(body))),
  )
}

const validationText = (reading: TemplateReading): JsonText =>
  objectText({
    valid: jsonOf(reading.type === 'valid'),
    errors: problemsText(reading.type === 'valid' ? [] : reading.problems),
    warnings: problemsText(reading.type === 'unreadable' ? [] : reading.warnings),
    notes: problemsText(reading.type === 'valid' ? reading.notes() : []),
  })
