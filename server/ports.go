package server

import (
	"os"

	"github.com/actionhero-go/actionhero/internal/config"
)

// LoadPorts returns the ports of an app that is another program. It reads the configuration like [Load], or from the file
// path if that is not empty, but skips what it does not know: the app's own sections. With an error of the file, the ports
// are those of the environment and the defaults. A tool of development needs the ports of an app that does not compile.
func LoadPorts(path string) ([]Port, error) {
	var cfg Config
	cfg.fill()
	options := config.Options{File: path, Env: os.Environ(), Prefix: EnvPrefix, SkipUnknown: true}
	_, err := config.Load(&cfg, options)
	if err != nil {
		options.SkipFile = true
		_, _ = config.Load(&cfg, options) // the first error has this one
	}
	return cfg.Ports(), err
}
