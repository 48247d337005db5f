/** From a document to a template, or to everything that is wrong with it. */
import { namespaceOf } from '../kernel/ids.js'
import { present } from '../kernel/invariant.js'
import type { Json } from '../kernel/json.js'
import { LIMITS } from '../limits.js'
import {
  isObject,
  listOf,
  nameText,
  objectOf,
  oneOf,
  openMap,
  outOfRange,
  text,
  wrongType,
  type JsonObject,
  type Reader,
} from './fields.js'
import { functionTemplate } from '../function/template.js'
import { checkConditions } from './condition-rules.js'
import { checkFunctionSteps } from './function-rules.js'
import { checkGraph } from './graph-rules.js'
import { NO_LIFECYCLE } from './lifecycle.js'
import { lintTemplate } from './lint.js'
import { shown } from './nearest.js'
import { type Findings, noFindings, type TemplateNote, type TemplateProblem, type TemplateWarning } from './problem.js'
import { checkEnvironments, environmentMap, overridesOf } from './read-environments.js'
import { identityFields, identityRule, identityStrategy } from './read-identity.js'
import { concurrency, fairnessKey, rateLimit } from './read-key.js'
import { declaredEvents } from './read-published-events.js'
import { lifecycleFields, lifecycleOf } from './read-lifecycle.js'
import { priority, stepList, stepSpec } from './read-step.js'
import { parseSemver } from './semver.js'
import type { Template } from './template.js'

export type TemplateCheck =
  | {
      readonly type: 'valid'
      readonly template: Template
      readonly warnings: readonly TemplateWarning[]
      readonly notes: readonly TemplateNote[]
    }
  /** Refused whole, with every problem. */
  | { readonly type: 'invalid'; readonly problems: readonly TemplateProblem[]; readonly warnings: readonly TemplateWarning[] }

/** Checks a parsed document. Whether its JSON Schemas compile is not checked here: that needs a library the core does not have. */
export const validateTemplate = (document: Json): TemplateCheck => {
  const findings = noFindings()
  if (isObject(document) && document.kind === 'function') return validateFunction(document, findings)
  const fields = isObject(document) ? templateFields(document, '', findings) : wrongType(findings, '', document, 'a map')
  checkGraph(fields?.steps ?? [], findings)
  checkFunctionSteps(fields?.steps ?? [], findings)
  checkConditions(fields?.steps ?? [], fields?.dependency_scope ?? 'ancestors', findings)
  checkEnvironments(fields?.environments, fields?.steps ?? [], findings)
  const { problems, warnings, notes } = findings
  if (fields === null || !isObject(document) || problems.length > 0) return { type: 'invalid', problems, warnings }
  lintTemplate(fields, findings)
  return { type: 'valid', template: templateOf(fields, document), warnings, notes }
}

/** A slash would make two templates share the address `namespace/name`. */
const name = nameText(LIMITS.nameCharsMax, '/')

const version: Reader<string> = (value, path, findings) => {
  const read = nameText(LIMITS.versionCharsMax)(value, path, findings)
  if (read === null || parseSemver(read) !== undefined) return read
  return outOfRange(findings, path, `${shown(read)} is no semantic version`, 'write it like 1.0.0')
}

const templateFields = objectOf(
  {
    kind: { read: oneOf('graph', 'function') },
    name: { read: name, required: true },
    namespace_name: { read: name, required: true },
    version: { read: version, required: true },
    description: { read: text() },
    metadata: { read: openMap },
    system_dependencies: { read: objectOf({ primary: { read: text() }, secondary: { read: listOf(text()) } }) },
    domain_events: { read: declaredEvents },
    input_schema: { read: openMap },
    steps: { read: stepList, required: true },
    environments: { read: environmentMap },
    lifecycle: { read: lifecycleFields },
    identity_strategy: { read: identityStrategy },
    identity: { read: identityFields },
    dependency_scope: { read: oneOf('ancestors', 'direct') },
    priority: { read: priority },
    fairness_key: { read: fairnessKey },
    concurrency: { read: concurrency },
    rate_limit: { read: rateLimit },
  },
  ['loaded_from', 'task_handler'],
)

type TemplateFields = NonNullable<ReturnType<typeof templateFields>>

/** Fields that have a place of their own in the template. */
const PLACED: ReadonlySet<string> = new Set([
  'kind',
  'name',
  'namespace_name',
  'version',
  'description',
  'input_schema',
  'steps',
  'lifecycle',
  'dependency_scope',
  'priority',
  'fairness_key',
  'concurrency',
  'rate_limit',
  'identity_strategy',
  'identity',
  'environments',
])

/** A durable function says who it is and what it takes; its steps are in its code. */
const functionFields = objectOf({
  kind: { read: oneOf('function'), required: true },
  name: { read: name, required: true },
  namespace_name: { read: name, required: true },
  version: { read: version, required: true },
  description: { read: text() },
  input_schema: { read: openMap },
})

const validateFunction = (document: JsonObject, findings: Findings): TemplateCheck => {
  const fields = functionFields(document, '', findings)
  const { problems, warnings, notes } = findings
  if (fields === null || problems.length > 0) return { type: 'invalid', problems, warnings }
  const template = functionTemplate({
    namespace: namespaceOf(present(fields.namespace_name, 'the namespace of a function')),
    name: present(fields.name, 'the name of a function'),
    version: present(fields.version, 'the version of a function'),
    description: fields.description,
    inputSchema: fields.input_schema,
  })
  return { type: 'valid', template, warnings, notes }
}

const templateOf = (fields: TemplateFields, document: JsonObject): Template => ({
  kind: 'graph',
  namespace: namespaceOf(present(fields.namespace_name, 'the namespace of a template')),
  name: present(fields.name, 'the name of a template'),
  version: present(fields.version, 'the version of a template'),
  description: fields.description,
  dependencyScope: fields.dependency_scope ?? 'ancestors',
  priority: fields.priority ?? 0,
  fairnessKey: fields.fairness_key,
  inputSchema: fields.input_schema,
  identity: identityRule(fields),
  environments: overridesOf(fields.environments),
  environment: undefined,
  steps: (fields.steps ?? []).map((step) => stepSpec(step.value, fields)),
  lifecycle: fields.lifecycle === undefined ? NO_LIFECYCLE : lifecycleOf(fields.lifecycle),
  declared: Object.fromEntries(Object.entries(document).filter(([key]) => !PLACED.has(key))),
})
