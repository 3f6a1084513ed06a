package server

import (
	"io"
	"reflect"

	"github.com/actionhero-go/actionhero/internal/config"
	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/internal/setting"
)

// Settings writes every setting of the configuration to w. For each setting it writes the value, the range, the
// environment variable and the origin of the value: a file, an environment variable, the program or the default. The
// value of a secret is written as [FILTERED]. The output is in colour if w is a terminal.
func (c Config) Settings(w io.Writer) error {
	return config.Print(w, c.describe(), logging.Colored(w))
}

// SettingsJSON writes the settings like [Config.Settings], but as a JSON array for scripts.
func (c Config) SettingsJSON(w io.Writer) error {
	return config.PrintJSON(w, c.describe())
}

// SettingsMarkdown writes the reference of all settings to w, as a Markdown page. The page has the defaults of the
// settings instead of their values.
func SettingsMarkdown(w io.Writer) error {
	return config.PrintMarkdown(w, Config{}.describe(), markdownIntro)
}

// SettingsYAML writes a configuration file in YAML to w, in which each setting is a comment with its default, under a
// comment with its meaning and its allowed values. The file has the sections of the app if [Load] returned c.
func (c Config) SettingsYAML(w io.Writer) error {
	return config.PrintYAML(w, c.describe(), yamlIntro)
}

const yamlIntro = `# The settings that differ from their defaults. To change a setting, remove the # in front of its key, and change its
# value. A line that begins with "# " explains the next one. Environment variables win over this file:
# httpServer.port is ACTIONHERO_HTTP_SERVER_PORT. The command "config" prints the values in force and their origins.
`

func (c Config) describe() []config.Setting {
	defaults := Config{sections: make([]section, len(c.sections))}
	for i, s := range c.sections {
		empty := reflect.New(reflect.TypeOf(s.settings).Elem())
		setting.Fill(empty.Interface())
		defaults.sections[i] = section{s.name, empty.Interface()}
	}
	defaults.fill()
	c.fill()
	return config.Describe(c.withSections().Addr().Interface(), defaults.withSections().Addr().Interface(), c.origins)
}

const markdownIntro = `# Settings

Later sources win: the defaults, then config.json, config.yaml or config.toml in the working directory, then the environment, then
the program. A file names only the settings that differ. A zero in a file or in the environment counts as zero.

A duration is a text with its unit, such as "15s" or "250ms". A size is a number of bytes or a text such as "64 KiB". In the
environment, commas separate the items of a list, and a map is "key=value,key2=value2". An empty variable counts as not set; "[]"
is the empty list.

` + "`actionhero config` prints the values in force; `actionhero config --markdown` prints this page." + `
`
