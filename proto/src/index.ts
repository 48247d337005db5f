/** The generated messages and service definitions of `tasker.v1`, and where the .proto files are. */
export * from './gen/tasker/v1/common.js'
export * from './gen/tasker/v1/worker.js'
export * from './gen/tasker/v1/task.js'
export * from './gen/tasker/v1/template.js'
