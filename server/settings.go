package server

import (
	"io"

	"github.com/actionhero-go/actionhero/internal/config"
	"github.com/actionhero-go/actionhero/internal/logging"
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

func (c Config) describe() []config.Setting {
	var defaults Config
	defaults.fill()
	c.fill()
	return config.Describe(&c, &defaults, c.origins)
}

const markdownIntro = `# Settings

Later sources win: the defaults, then config.json, config.yaml or config.toml in the working directory, then the environment, then
the program. A file names only the settings that differ. A zero in a file or in the environment counts as zero.

A duration is a text such as "15s" or a number of milliseconds. A size is a number of bytes or a text such as "64 KiB". In the
environment, commas separate the items of a list, and a map is "key=value,key2=value2".

` + "`actionhero config` prints the values in force; `actionhero config --markdown` prints this page." + `
`
