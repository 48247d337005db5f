/** The machine that figures are from. */
import { availableParallelism, cpus, release, totalmem } from 'node:os'

const GIB = 1024 ** 3

/** The same for every run on machines of one kind; figures are compared only within it. */
export const machineText = (): string =>
  `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / GIB)} GiB, ` +
  `Linux ${release().split('.').slice(0, 2).join('.')}, Node ${process.versions.node}`
