/** The server's settings as flags of a command, and read back from them. */
import { type Command, Option } from 'commander'
import {
  type Environment,
  readServerConfig,
  type ServerConfig,
  type SettingKey,
  type SettingProblem,
  SETTINGS,
  settingsTable,
  type SettingTexts,
} from '../../config.js'
import { Fault } from '../../faults.js'

/** Adds a flag for each setting but those the command decides itself, and to the help the table of them. */
export const addServerFlags = (command: Command, without: readonly SettingKey[]): Command => {
  for (const setting of SETTINGS) if (!without.includes(setting.key)) command.addOption(optionOf(setting).hideHelp())
  return command.addHelpText('after', `\nSettings by flag or by variable, with their defaults:\n${settingsTable(without)}`)
}

const optionOf = ({ flag, placeholder, meaning }: (typeof SETTINGS)[number]): Option =>
  new Option(`${flag} <${placeholder}>`, meaning)

/** The configuration, or one fault with every problem in it. `decided` wins over flags and environment. */
export const serverConfig = (
  environment: Environment,
  flags: Readonly<Record<string, unknown>>,
  decided: SettingTexts = {},
): ServerConfig => {
  const texts: Partial<Record<SettingKey, string>> = {}
  for (const setting of SETTINGS) {
    const given = flags[optionOf(setting).attributeName()]
    if (typeof given === 'string') texts[setting.key] = given
  }
  const answer = readServerConfig(environment, { ...texts, ...decided })
  if (answer.type === 'valid') return answer.config
  throw settingsFault(answer.problems)
}

const settingsFault = (problems: readonly SettingProblem[]): Fault =>
  new Fault({
    code: 'INVALID_INPUT',
    reason: 'BAD_SETTINGS',
    message: problems.length === 1 ? 'a setting is wrong' : `${problems.length} settings are wrong`,
    errors: problems.map(({ variable, flag, message }) => ({
      code: 'BAD_SETTING',
      path: variable,
      message,
      hint: `or with the flag ${flag}`,
    })),
    hint: 'all settings with their defaults: tasker server --help',
  })
