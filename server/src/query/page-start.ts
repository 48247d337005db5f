/** Where a page starts: at the first row, after the row a cursor names, or after a number of rows. */
export type PageStart =
  | { readonly type: 'first' }
  | { readonly type: 'cursor'; readonly cursor: string }
  | { readonly type: 'offset'; readonly rows: number }
