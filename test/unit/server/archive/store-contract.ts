/** What every place for archives promises: the numbers are the port's (S1, S2). */
import type { ArchiveStore } from '@tasker/server/internal/archive/store'
import { describe, expect, test } from 'vitest'

export const describeArchiveStore = (name: string, open: () => ArchiveStore): void => {
  describe(`archives in ${name}`, () => {
    test('what is put is there, whole and in parts', async () => {
      const store = open()
      const content = Buffer.from(Array.from({ length: 1_000 }, (_, n) => n % 256))
      await store.put('shop/one.bin', content)
      expect(await store.get('shop/one.bin')).toEqual(content)
      expect(await store.get('shop/one.bin', { offset: 100, length: 50 })).toEqual(content.subarray(100, 150))
      expect(await store.get('shop/one.bin', { offset: 990, length: 50 })).toEqual(content.subarray(990))
    })

    test('the same name again takes the place of what was there (S2)', async () => {
      const store = open()
      await store.put('shop/one', Buffer.from('a longer text'))
      await store.put('shop/one', Buffer.from('short'))
      expect((await store.get('shop/one'))?.toString()).toBe('short')
      expect(await store.list()).toEqual(['shop/one'])
    })

    test('what was never put is not there, and names come in the order of their text', async () => {
      const store = open()
      expect(await store.get('shop/none')).toBeUndefined()
      for (const put of ['shop/b', 'a/z', 'shop/a', 'shop-2/a']) await store.put(put, Buffer.from(put))
      expect(await store.list()).toEqual(['a/z', 'shop-2/a', 'shop/a', 'shop/b'])
    })

    test('a name that leads elsewhere is none', async () => {
      const store = open()
      for (const bad of ['', '/', '../out', 'shop/../../out', 'shop//a', '.', 'shop/.', 'a\0b', 'a\\..\\b'])
        await expect(store.put(bad, Buffer.from('x')), bad).rejects.toThrow(TypeError)
      expect(await store.list()).toEqual([])
    })

    test('who reads while the name is put again reads one of the two, whole (S1)', async () => {
      const store = open()
      const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(100_000))
      for (const text of texts) await store.put('shop/one', Buffer.from(text))
      const reading = Promise.all(Array.from({ length: 20 }, () => store.get('shop/one')))
      for (const text of texts) await store.put('shop/one', Buffer.from(text))
      for (const read of await reading) expect(texts).toContain(read?.toString())
    })
  })
}
