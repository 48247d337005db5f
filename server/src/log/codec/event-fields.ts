/** The wall between stored text and events: reads members by name and checks each one's type. */
import { type JsonText, sliceElements, sliceMembers, trustedJson } from '@tasker/core'
import { CorruptEventError } from './errors.js'
import type { EventMembers } from './upcast.js'

export class EventFields {
  readonly #type: string
  readonly #members: EventMembers

  constructor(type: string, members: EventMembers) {
    this.#type = type
    this.#members = members
  }

  /** The member's text as stored. */
  raw(name: string): JsonText {
    return this.#members.get(name) ?? this.#fail(name, 'is missing')
  }

  /** The member's text as stored; undefined when there is none. */
  optionalRaw(name: string): JsonText | undefined {
    return this.#members.get(name)
  }

  /** Each object of a list, where the list is there. */
  optionalList<Item>(name: string, read: (fields: EventFields) => Item): readonly Item[] | undefined {
    const text = this.#members.get(name)
    if (text === undefined) return undefined
    if (!text.startsWith('[')) return this.#fail(name, 'is no list')
    return sliceElements(text).map((element) => {
      if (!element.startsWith('{')) return this.#fail(name, 'holds no object')
      return read(new EventFields(this.#type, sliceMembers(element)))
    })
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.#fail(name, 'is missing')
  }

  optionalText(name: string): string | undefined {
    const value = this.#value(name)
    if (value === undefined || typeof value === 'string') return value
    return this.#fail(name, 'is no text')
  }

  number(name: string): number {
    return this.optionalNumber(name) ?? this.#fail(name, 'is missing')
  }

  optionalNumber(name: string): number | undefined {
    const value = this.#value(name)
    if (value === undefined || typeof value === 'number') return value
    return this.#fail(name, 'is no number')
  }

  flag(name: string): boolean {
    const value = this.#value(name)
    return typeof value === 'boolean' ? value : this.#fail(name, 'is no boolean')
  }

  texts(name: string): readonly string[] {
    const value = this.#value(name)
    return Array.isArray(value) && value.every(isText) ? value : this.#fail(name, 'is no list of texts')
  }

  numbers(name: string): readonly number[] {
    const value = this.#value(name)
    return Array.isArray(value) && value.every(isNumber) ? value : this.#fail(name, 'is no list of numbers')
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice {
    const value = this.text(name)
    return choices.find((choice) => choice === value) ?? this.#fail(name, `is none of ${choices.join(', ')}`)
  }

  /** The members of an object inside this event. */
  inside(name: string, slice: (text: JsonText) => EventMembers): EventFields {
    const text = this.raw(name)
    if (!text.startsWith('{')) this.#fail(name, 'is no object')
    return new EventFields(this.#type, slice(trustedJson(text)))
  }

  /** The objects of a list inside this event. */
  objects(
    name: string,
    elements: (text: JsonText) => readonly JsonText[],
    slice: (text: JsonText) => EventMembers,
  ): readonly EventFields[] {
    const text = this.raw(name)
    if (!text.startsWith('[')) this.#fail(name, 'is no list')
    return elements(text).map((element) =>
      element.startsWith('{') ? new EventFields(this.#type, slice(element)) : this.#fail(name, 'is no list of objects'),
    )
  }

  #value(name: string): unknown {
    const text = this.#members.get(name)
    if (text === undefined) return undefined
    try {
      return JSON.parse(text)
    } catch {
      return this.#fail(name, 'is no JSON')
    }
  }

  #fail(name: string, what: string): never {
    throw new CorruptEventError(this.#type, `${name} ${what}`)
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number'

const isText = (value: unknown): value is string => typeof value === 'string'
