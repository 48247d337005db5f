/** The templates of this server: folded from their streams at the start, changed by registration, kept by content hash for running tasks. */
import {
  type Instant,
  type JsonText,
  latestVersion,
  type Lifecycle,
  type Namespace,
  NO_TEMPLATE,
  type Partition,
  type Plan,
  planUnder,
  type TemplateEvent,
  type TemplateHash,
  type TemplateStream,
  templateStream,
} from '@tasker/core'
import type { FaultDetail } from '../faults.js'
import { commitHash, NO_PREVIOUS_HASH } from '../log/commit-hash.js'
import { partitionOfName } from '../log/partition-of-name.js'
import type { CommitDraft, EventLog, StoredCommit } from '../log/port.js'
import { decodeTemplateEvents, encodeTemplateEvent, templateStream as streamRefOf } from '../log/template-codec.js'
import { differenceText } from '../templates/compare.js'
import { environmentHashes, planIn } from '../templates/environment.js'
import type { SchemaCheck } from '../templates/json-schema.js'
import { readTemplate, storedPlan, type TemplateReading } from '../templates/parse.js'
import type { RegisterAnswer, TemplateRecord } from './api.js'
import type { Clock } from './clock.js'
import { commitLost, notStorable } from './engine-faults.js'
import type { GroupCommit, Settled } from './group-commit.js'

const START: CatalogPlace = { state: NO_TEMPLATE, version: 0, lastHash: NO_PREVIOUS_HASH }

const placeAfter = ({ state, version }: CatalogPlace, event: TemplateEvent, lastHash: Buffer): CatalogPlace => ({
  state: templateStream.evolve(state, event),
  version: version + 1,
  lastHash,
})

const UNREADABLE = 'this version was registered by a program that read more than this one does'

/** Versions named in a "there is no such template" answer. */
const NAMED_MAX = 10

/** A place in a template's stream. */
interface CatalogPlace {
  readonly state: TemplateStream
  readonly version: number
  readonly lastHash: Buffer
}

interface CatalogStream {
  /** After every decision so far, durable or not. */
  place: CatalogPlace
  /** After every durable commit. */
  durable: CatalogPlace
  /** Commits on their way. */
  pending: number
  /** Rises with each loss: what was decided before it is lost too. */
  losses: number
  /** Registrations that rest on what is on its way. */
  waiting: (() => void)[]
  /** The records of the versions as they are now, durable ones only. */
  readonly records: Map<string, TemplateRecord>
}

type ValidReading = Extract<TemplateReading, { readonly type: 'valid' }>

export interface Registration {
  readonly content: string
  readonly replace: boolean
  readonly actor: string
}

export class TemplateCatalog {
  readonly #log: EventLog
  readonly #clock: Clock
  readonly #commits: GroupCommit
  readonly #check: SchemaCheck
  readonly #lifecycle: Lifecycle
  /** A template commit is durable at this place. */
  readonly #appended: (partition: Partition, seq: number, at: Instant) => void
  readonly #streams = new Map<string, CatalogStream>()
  readonly #plans = new Map<TemplateHash, Plan>()
  /** Plans under environments, made when a task needs one: by their hash, of which content and environment. */
  readonly #variants = new Map<TemplateHash, { readonly plan: Plan; readonly environment: string }>()
  readonly #environment: string | undefined

  constructor(
    log: EventLog,
    clock: Clock,
    commits: GroupCommit,
    check: SchemaCheck,
    environment: string | undefined,
    lifecycle: Lifecycle,
    appended: (partition: Partition, seq: number, at: Instant) => void,
  ) {
    this.#log = log
    this.#clock = clock
    this.#commits = commits
    this.#check = check
    this.#environment = environment
    this.#lifecycle = lifecycle
    this.#appended = appended
  }

  /** Folds all template streams of the log. */
  async load(): Promise<void> {
    for await (const page of this.#log.readKind('template')) for (const commit of page) this.#foldStored(commit)
  }

  /** The plan of any content there ever was, under any environment it speaks of. */
  planOf(templateHash: TemplateHash): Plan | undefined {
    const known = this.#plans.get(templateHash)
    if (known !== undefined) return known
    const variant = this.#variants.get(templateHash)
    if (variant === undefined) return undefined
    const plan = this.#planIn(variant.plan, variant.environment)
    this.#plans.set(templateHash, plan)
    return plan
  }

  all(): readonly TemplateRecord[] {
    return [...this.#streams.values()].flatMap((stream) => [...stream.records.values()])
  }

  find(namespace: Namespace, name: string, version: string | undefined): TemplateRecord | undefined {
    const records = this.#streams.get(streamRefOf(namespace, name).id)?.records
    if (records === undefined) return undefined
    const wanted = version ?? latestVersion(records.keys())
    return wanted === undefined ? undefined : records.get(wanted)
  }

  /** The template a submission names, or a fault that names what there is. */
  resolve(namespace: Namespace, name: string, version: string | undefined): TemplateRecord | FaultDetail {
    return this.find(namespace, name, version) ?? this.#notFound(namespace, name, version)
  }

  /** The failing places of a context by the template's `input_schema`, as one fault. */
  checkContext(record: TemplateRecord, context: JsonText): FaultDetail | undefined {
    const { inputSchema } = record.plan.template
    if (inputSchema === undefined) return undefined
    const errors = this.#check(inputSchema, context)
    if (errors.length === 0) return undefined
    return {
      code: 'INVALID_INPUT',
      reason: 'CONTEXT_INVALID',
      message: `the context does not fit the input_schema of ${record.namespace}/${record.name} ${record.version}`,
      errors,
      retryable: false,
    }
  }

  /** Decides at once, answers when durable. */
  register(registration: Registration, answer: (answer: RegisterAnswer) => void): void {
    const reading = readTemplate(registration.content)
    if (reading.type !== 'valid') return answer({ type: 'failed', fault: invalidTemplate(reading) })
    const { plan } = reading
    const { namespace, name, version } = plan.template
    const ref = streamRefOf(namespace, name)
    const stream = this.#stream(ref.id)
    const { content, replace } = registration
    const decision = templateStream.decide(stream.place.state, {
      type: 'register',
      namespace,
      name,
      version,
      hash: plan.hash,
      content,
      replace,
    })
    const [event] = decision.type === 'accepted' ? decision.events : []
    if (event !== undefined) return this.#append(stream, event, reading, registration.actor, answer)
    // What is there already may be on its way only: the answer waits for it, and is decided again.
    if (stream.pending > 0) return void stream.waiting.push(() => this.register(registration, answer))
    if (decision.type === 'refused') {
      const { reason, message, registered } = decision.refusal
      const hint = `register it as another version, or say replace; the difference is:\n${differenceText(registered, content)}`
      return answer({ type: 'failed', fault: { code: 'CONFLICT', reason, message, hint, retryable: false } })
    }
    const record = stream.records.get(version)
    if (record === undefined) answer({ type: 'failed', fault: notStorable(UNREADABLE) })
    else answer({ type: 'unchanged', record, warnings: reading.warnings })
  }

  #append(
    stream: CatalogStream,
    event: TemplateEvent,
    { plan, warnings }: ValidReading,
    actor: string,
    answer: (answer: RegisterAnswer) => void,
  ): void {
    const ref = streamRefOf(event.namespace, event.name)
    const at = this.#clock.now()
    const partition = partitionOfName(ref.id, this.#log.partitionCount)
    const content = {
      stream: ref,
      partition,
      firstVersion: stream.place.version + 1,
      namespace: event.namespace,
      at,
      actor,
      worker: undefined,
      cause: 'register',
      ...encodeTemplateEvent(event),
    }
    const draft: CommitDraft = { ...content, hash: commitHash(content, stream.place.lastHash) }
    const after = placeAfter(stream.place, event, draft.hash)
    const { losses } = stream
    stream.place = after
    stream.pending++
    const settle = (settled: Settled): void => {
      stream.pending--
      if (settled.type === 'lost') {
        if (losses === stream.losses) stream.place = stream.durable
        stream.losses = Math.max(stream.losses, losses + 1)
        answer({
          type: 'failed',
          fault: settled.reason === 'refused' ? notStorable(settled.message) : commitLost(settled.message),
        })
      } else {
        stream.durable = after
        const record = this.#keep(stream, event, plan, at)
        this.#appended(partition, settled.seq, at)
        answer({ type: 'registered', record, replaced: event.type === 'template.replaced', warnings })
      }
      if (stream.pending === 0) for (const again of stream.waiting.splice(0)) again()
    }
    this.#commits.enqueue({ draft, settle })
  }

  #foldStored(commit: StoredCommit): void {
    const stream = this.#stream(commit.stream.id)
    for (const event of decodeTemplateEvents(commit)) {
      stream.place = placeAfter(stream.place, event, commit.hash)
      const plan = storedPlan(event.content)
      // A template this program cannot read any more is kept in the log; its tasks are quarantined one by one when they are loaded.
      if (plan !== undefined) this.#keep(stream, event, plan, commit.at)
    }
    stream.durable = stream.place
  }

  #keep(stream: CatalogStream, event: TemplateEvent, read: Plan, at: Instant): TemplateRecord {
    const { namespace, name, version, hash: contentHash, content } = event
    const asWritten = planUnder(read, this.#lifecycle)
    const plan = this.#planIn(asWritten, this.#environment)
    const record: TemplateRecord = { namespace, name, version, hash: contentHash, plan, content, registeredAt: at }
    this.#plans.set(contentHash, asWritten).set(plan.hash, plan)
    for (const [variant, environment] of environmentHashes(asWritten))
      this.#variants.set(variant, { plan: asWritten, environment })
    stream.records.set(version, record)
    return record
  }

  /** What an environment changes is a plan of its own, so the server's settings are laid over it again. */
  #planIn(plan: Plan, environment: string | undefined): Plan {
    const changed = planIn(plan, environment)
    return changed === plan ? plan : planUnder(changed, this.#lifecycle)
  }

  #stream(id: string): CatalogStream {
    let stream = this.#streams.get(id)
    if (stream === undefined) {
      stream = { place: START, durable: START, pending: 0, losses: 0, waiting: [], records: new Map() }
      this.#streams.set(id, stream)
    }
    return stream
  }

  #notFound(namespace: Namespace, name: string, version: string | undefined): FaultDetail {
    const versions = [...(this.#streams.get(streamRefOf(namespace, name).id)?.records.keys() ?? [])]
    const others = this.all().filter((record) => record.namespace === namespace)
    const known =
      versions.length > 0
        ? `versions of ${namespace}/${name}: ${named(versions)}`
        : others.length > 0
          ? `templates of namespace ${namespace}: ${named(others.map((record) => `${record.name} ${record.version}`))}`
          : `namespaces with templates: ${named([...new Set(this.all().map((record) => record.namespace))])}`
    return {
      code: 'NOT_FOUND',
      reason: 'TEMPLATE_NOT_FOUND',
      message: `there is no template ${namespace}/${name}${version === undefined ? '' : ` ${version}`}`,
      hint: known,
      retryable: false,
    }
  }
}

const named = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : `${names.slice(0, NAMED_MAX).join(', ')}${names.length > NAMED_MAX ? ', …' : ''}`

const invalidTemplate = (reading: Exclude<TemplateReading, { type: 'valid' }>): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason: reading.type === 'unreadable' ? 'TEMPLATE_UNREADABLE' : 'TEMPLATE_INVALID',
  message:
    reading.type === 'unreadable'
      ? 'the document is no YAML or JSON'
      : `the template has ${reading.problems.length} ${reading.problems.length === 1 ? 'problem' : 'problems'}`,
  errors: reading.problems,
  retryable: false,
})
